#!/usr/bin/env python3
"""Judges a converted model with PyTorch: how far its linear attention is from softmax, and what it costs in quality.

  judge.py MODEL_DIR ARTIFACT --task lm|encode|mnist --data FILE_OR_FOLDER [--eval FILE] [--length N] [--eval-rows N]

The artifact's tensors replace those of the model in MODEL_DIR, the feature maps drive a quadratic evaluation of linear
attention, and one JSON line gives

  kl        per layer, the mean over rows, heads and positions of KL(softmax weights || linear weights), each layer fed
            with softmax attention below it
  mean_kl   its mean over layers
  teacher, student    perplexity (lm), accuracy (mnist) or the mean cosine of final hidden states (encode)

Rows are the reference's: lm the first --eval-rows rows of --eval (KL: 16), encode the last --eval-rows rows of --eval,
mnist all test images (KL: the first --eval-rows).
"""

import argparse
import json
import math
import pathlib
import re
import warnings

import numpy
import torch
import transformers
from artifact import Artifact
from safetensors.torch import load_file
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
FEATURE_MAP = re.compile(r"layers\.(\d+)\.attention\.feature_map\.(query|key)\.(weight|bias)$")


class Attention:
    """What every attention module calls: softmax or linear, and KL sums on request."""

    def __init__(self, maps):
        self.maps, self.linear, self.measure = maps, False, False
        self.reset()

    def reset(self):
        self.layer, self.sums, self.counts = 0, [0.0] * len(self.maps), [0] * len(self.maps)

    def log_features(self, x, side):
        """log phi(x), for [softmax(y), softmax(-y)] with y = x W + b."""
        weight, bias = self.maps[self.layer % len(self.maps)][side]
        if weight.shape[0] != x.shape[1]:
            raise SystemExit(f"layer {self.layer}: {weight.shape[0]} {side} maps for {x.shape[1]} heads")
        y = x @ weight + bias[:, None]
        return torch.cat([y.log_softmax(-1), (-y).log_softmax(-1)], -1)

    def __call__(self, module, query, key, value, attention_mask, scaling=None, dropout=0.0, **_):
        per_group = query.shape[1] // key.shape[1]
        spread = lambda t: t if t.shape[1] == query.shape[1] else torch.repeat_interleave(t, per_group, dim=1)
        hidden = torch.zeros(()) if attention_mask is None else attention_mask
        logits = query @ spread(key).mT * (query.shape[-1] ** -0.5 if scaling is None else scaling) + hidden
        weights = log_soft = logits.log_softmax(-1)
        if self.linear or self.measure:
            one_per_query_head = self.maps[self.layer % len(self.maps)]["key"][0].shape[0] == query.shape[1]
            phi_k = self.log_features(spread(key), "key") if one_per_query_head else spread(self.log_features(key, "key"))
            product = self.log_features(query, "query").exp() @ phi_k.exp().mT
            log_linear = (product.log() + hidden).log_softmax(-1)  # subtracts the logarithm of the visible sum
            if self.measure:
                divergence = torch.special.xlogy(log_soft.exp(), log_soft.exp()) - log_soft.exp() * log_linear.clamp(min=-1e4)
                self.sums[self.layer] += divergence.sum().double().item()
                self.counts[self.layer] += divergence.shape[:-1].numel()
            weights = log_linear if self.linear else log_soft
        self.layer = (self.layer + 1) % len(self.maps)
        return (weights.exp() @ spread(value)).transpose(1, 2).contiguous(), None


def feature_maps(artifact):
    """Per layer {side: (weight [heads, input, feature], bias [heads, feature])}."""
    described, found = artifact.manifest["featureMap"], {}
    if described["kind"] != "hedgehog-softmax-split":
        raise SystemExit(f"this judge knows hedgehog-softmax-split, not {described['kind']}")
    feature_first = described["orientation"].startswith("weight[head, feature, input]")
    for name, array in artifact.tensors.items():
        if match := FEATURE_MAP.search(name):
            layer, side, part = match.groups()
            tensor = torch.from_numpy(array.astype(numpy.float32))
            tensor = tensor.mT if part == "weight" and feature_first else tensor
            found.setdefault(int(layer), {}).setdefault(side, {})[part] = tensor
    return [{side: (parts["weight"], parts.get("bias", parts["weight"].new_zeros(1, 1))) for side, parts in found[layer].items()}
            for layer in sorted(found)]


def load(directory, task, artifact):
    """The teacher of the folder, and the student: the same with the artifact's weights in place of the folder's."""
    kind = {"lm": transformers.AutoModelForCausalLM, "encode": transformers.AutoModel,
            "mnist": transformers.AutoModelForImageClassification}[task]
    teacher = kind.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    weights = load_file(pathlib.Path(directory, "model.safetensors"))
    weights |= {name: torch.from_numpy(array.copy()) for name, array in artifact.tensors.items()
                if artifact.origins[name] in ("kept", "changed")}
    student, report = type(teacher).from_pretrained(None, config=teacher.config, state_dict=weights, dtype=torch.float32,
                                                    output_loading_info=True)
    missing = [name for name in report["missing_keys"] if "pooler" not in name]
    if missing:
        raise SystemExit(f"neither the model nor the artifact has: {', '.join(missing)}")
    student.eval()
    maps = feature_maps(artifact)
    if len(maps) != teacher.config.num_hidden_layers:
        raise SystemExit(f"feature maps for {len(maps)} layers, the model has {teacher.config.num_hidden_layers}")
    attention = Attention(maps)
    ALL_ATTENTION_FUNCTIONS.register("judged", attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register("judged", eager_mask)
    student.set_attn_implementation("judged")
    return teacher, student, attention


def rows(directory, path, length):
    """Token rows of a text; an encoder's are framed by [CLS] and [SEP]."""
    text = pathlib.Path(path).read_text(encoding="utf8")
    fast = pathlib.Path(directory, "tokenizer.json")
    if not fast.exists():
        import sentencepiece

        ids, frame = sentencepiece.SentencePieceProcessor(model_file=f"{directory}/tokenizer.model").Encode(text), None
    else:
        import tokenizers

        tokenizer = tokenizers.Tokenizer.from_file(str(fast))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        frame = [tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]")]
    inner = length if frame is None or None in frame else length - 2
    whole = torch.tensor(ids[: len(ids) - len(ids) % inner]).reshape(-1, inner)
    if inner == length:
        return whole
    first, last = (torch.full((len(whole), 1), token) for token in frame)
    return torch.hstack([first, whole, last])


def mnist(directory, folder):
    """Test images, normalised as the model's preprocessor says, and labels, from IDX files."""
    def idx(name):
        raw = pathlib.Path(folder, name).read_bytes()
        shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(raw[3])]
        return torch.from_numpy(numpy.frombuffer(raw, numpy.uint8, offset=4 + 4 * raw[3]).reshape(shape).copy())

    how = json.loads(pathlib.Path(directory, "preprocessor_config.json").read_text())
    pixels = idx("t10k-images-idx3-ubyte").float()[:, None] * how["rescale_factor"]
    return (pixels - how["image_mean"][0]) / how["image_std"][0], idx("t10k-labels-idx1-ubyte").long()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("artifact")
    parser.add_argument("--task", required=True, choices=["lm", "encode", "mnist"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--eval")
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--eval-rows", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    artifact = Artifact(options.artifact)
    teacher, student, attention = load(options.model, options.task, artifact)

    if options.task == "mnist":
        images, labels = mnist(options.model, options.data)
        held = [dict(pixel_values=images[: options.eval_rows])]
        metric = "accuracy"

        def quality(model):
            guesses = torch.cat([model(pixel_values=part).logits.argmax(-1) for part in images.split(500)])
            return (guesses == labels).double().mean().item()
    elif options.task == "lm":
        tokens = rows(options.model, options.eval, options.length)[: options.eval_rows]
        held = [dict(input_ids=tokens[:16])]
        metric = "perplexity"

        def quality(model):
            losses = [torch.nn.functional.cross_entropy(model(input_ids=part).logits[:, :-1].flatten(0, 1), part[:, 1:].flatten(),
                                                        reduction="sum").double() for part in tokens.split(16)]
            return math.exp(sum(losses).item() / tokens[:, 1:].numel())
    else:
        tokens = rows(options.model, options.eval, options.length)[-options.eval_rows :]
        held = [dict(input_ids=part) for part in tokens.split(16)]
        metric = "cosine"
        goal = torch.cat([teacher(**part).last_hidden_state for part in held])

        def quality(model):
            got = torch.cat([model(**part).last_hidden_state for part in held])
            return torch.nn.functional.cosine_similarity(got, goal, dim=-1).double().mean().item()

    attention.measure = True
    for part in held:
        (student if options.task == "encode" else student.base_model)(**part)
    divergence = [total / count for total, count in zip(attention.sums, attention.counts)]
    attention.measure, attention.linear = False, True
    print(json.dumps(dict(model=pathlib.Path(options.model).name, metric=metric, teacher=round(quality(teacher), 5),
                          student=round(quality(student), 5), mean_kl=round(sum(divergence) / len(divergence), 5),
                          kl=[round(d, 5) for d in divergence])))


if __name__ == "__main__":
    main()
