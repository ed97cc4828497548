// How reports and their drawings look, by light and by dark.

/// The style sheets: `colours` and `drawing` for a drawing, and `page` beside them for a page.
enum Stylesheet {
  static let colours: StaticString = """
    :root{color-scheme:light dark;--page:#faf9f6;--paper:#fff;--text:#1f2429;--quiet:#626a73;\
    --rule:#e2e0da;--model:#1f6f8b;--softmax:#b8692b;--first:#9fc3cf;--last:#0f4a60;\
    --good:#2f7d54;--fair:#1f6f8b;--poor:#a8650f;--bad:#b23a3a}
    @media (prefers-color-scheme:dark){:root{--page:#141618;--paper:#1b1e21;--text:#e4e2dd;\
    --quiet:#9aa0a6;--rule:#33373c;--model:#6cb6d0;--softmax:#dd9c62;--first:#35606f;\
    --last:#a9dcee;--good:#76c497;--fair:#6cb6d0;--poor:#e0ac5e;--bad:#ee8b84}}

    """

  static let drawing: StaticString = """
    svg{background:var(--paper);font-family:system-ui,"Liberation Sans",sans-serif}
    text{font-size:10px;fill:var(--quiet);font-variant-numeric:tabular-nums}
    text.name{font-style:italic}
    text.title{font-size:12px;fill:var(--text)}
    rect.cell{fill:var(--model)}
    text.cell{font-size:9px;fill:var(--text)}
    text.dark{fill:var(--paper)}
    .grid{stroke:var(--rule);stroke-width:1}
    .line{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
    .dot{fill-opacity:.75}

    """

  static let page: StaticString = """
    *{box-sizing:border-box}
    body{margin:0;background:var(--page);color:var(--text);\
    font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
    body>*{max-width:66rem;margin-inline:auto;padding-inline:1.25rem}
    header{padding-block:2.5rem .5rem}
    h1{margin:0;font-size:1.7rem;font-weight:600;letter-spacing:-.015em;line-height:1.25}
    h2{margin:2.75rem 0 .25rem;font-size:1.15rem;font-weight:600}
    h3{margin:0 0 .6rem;font-size:1rem;font-weight:600;overflow-wrap:anywhere}
    h4{margin:1.5rem 0 .4rem;font-size:.9rem;font-weight:600}
    p{margin:.4rem 0}
    a{color:var(--model)}
    .quiet,summary,footer{color:var(--quiet);font-size:.875rem}
    .lead{max-width:44rem;color:var(--quiet);font-size:.9rem;margin:0 0 1rem}
    .models{display:grid;gap:1.25rem;\
    grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr))}
    .model{min-width:0;background:var(--paper);border:1px solid var(--rule);\
    border-radius:.6rem;padding:1.1rem 1.25rem}
    .pictures{display:grid;gap:1.5rem 2rem;align-items:start;\
    grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr))}
    figure{margin:0;min-width:0}
    figcaption{margin-bottom:.35rem;font-size:.875rem}
    figure svg{display:block;width:100%;height:auto}
    .verdict{display:flex;gap:.6rem;align-items:baseline;font-weight:600}
    .verdict::before{content:"";flex:none;width:.65rem;height:.65rem;border-radius:50%;\
    background:var(--quiet)}
    .kept::before{background:var(--good)}
    .close::before{background:var(--fair)}
    .worse::before{background:var(--poor)}
    .broken::before{background:var(--bad)}
    .missing{border-left:3px solid var(--rule);padding-left:.75rem;color:var(--quiet);\
    font-size:.9rem;max-width:44rem}
    .scroll{overflow:auto}
    details .scroll{max-height:26rem}
    .scroll:focus-visible,summary:focus-visible,a:focus-visible{\
    outline:2px solid var(--model);outline-offset:2px}
    table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
    th,td{padding:.28rem 1.1rem .28rem 0;text-align:left;vertical-align:baseline;\
    border-bottom:1px solid var(--rule)}
    tbody tr:last-child>*{border-bottom:0}
    th{font-weight:500}
    tbody th{max-width:22rem}
    thead th{color:var(--quiet);font-size:.8125rem;white-space:nowrap}
    th.number,td.number{text-align:right;white-space:nowrap}
    td.bar{width:12rem;min-width:4rem}
    td.bar div{height:.55rem;border-radius:.2rem;background:var(--model);opacity:.8;\
    min-width:1px}
    code{font:.8125rem/1.5 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
    code.option{white-space:nowrap;font-size:.95em}
    details{margin-top:.5rem}
    summary{cursor:pointer;width:fit-content}
    nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:1rem 0 0;\
    list-style:none;font-size:.9rem}
    footer{padding-block:2.5rem;margin-top:1rem}
    @media (max-width:30rem){body>*{padding-inline:.8rem}.model{padding:.9rem}\
    th,td{padding-right:.8rem}td.bar{min-width:2.5rem}text{font-size:11.5px}\
    text.cell{font-size:10px}}
    @media print{.model{break-inside:avoid}.scroll{max-height:none}}

    """
}
