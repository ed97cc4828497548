"""Attention of a Hedgehog model: feature maps, linear attention over their features, and the softmax beside it."""

import math
from typing import Callable, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

CHUNK = 64  # positions that a causal block compares pairwise
NOTHING = -1e30  # a finite number in place of the logarithm of 0


# Feature maps


def mirrored(u):
    return torch.cat((u, -u), -1)


class Kind(NamedTuple):
    """A kind of feature map."""

    features: Callable  # of u = xW + b; x, positions and constant come by name
    weight: bool = True  # W exists; without it u = x + b
    trained: bool = True  # W is trained; otherwise it keeps the random directions that it was drawn with
    logarithms: bool = False  # `features` gives the logarithms of the features


def performer(u, x, **_):
    """Logarithms of positive random features: yW - |y|^2 / 2 with y = x / d^(1/4)."""
    root = math.sqrt(x.shape[-1])
    return u / math.sqrt(root) - x.square().sum(-1, keepdim=True) / (2 * root)


def cosformer(u, positions, constant, **_):
    """Products of these features are relu(q).relu(k) cos(pi (i - j) / 2c)."""
    angles = positions[:, None, :, None].float() * (math.pi / 2 / max(1, int(constant)))
    return torch.cat((u.relu() * angles.cos(), u.relu() * angles.sin()), -1)


def taylor(u, **_):
    """Products of these features are 1 + z + z^2 / 2 with z = q.k / sqrt(d)."""
    y = u / u.shape[-1] ** 0.25
    # Each pair of factors occurs once.
    a, b = torch.triu_indices(u.shape[-1], u.shape[-1], device=u.device)
    pairs = y[..., a] * y[..., b] * torch.where(a == b, math.sqrt(0.5), 1.0)
    return torch.cat((torch.ones_like(y[..., :1]), y, pairs), -1)


KINDS = {
    "hedgehog-softmax-split": Kind(lambda u, **_: torch.cat((u.softmax(-1), (-u).softmax(-1)), -1)),
    "hedgehog-softmax-joint": Kind(lambda u, **_: mirrored(2 * u).softmax(-1)),
    "hedgehog-exponential": Kind(lambda u, **_: u, logarithms=True),
    "hedgehog-exponential-negated": Kind(lambda u, **_: mirrored(u), logarithms=True),
    "t2r": Kind(lambda u, **_: u.relu()),
    "elu": Kind(lambda u, **_: F.elu(u) + 1, weight=False),
    "relu": Kind(lambda u, **_: u.relu(), weight=False),
    "performer": Kind(performer, trained=False, logarithms=True),
    "cosformer": Kind(cosformer, weight=False),
    "taylor": Kind(taylor, weight=False),
    "exponential": Kind(lambda u, constant, **_: constant * u, weight=False, logarithms=True),
}


class FeatureMap(nn.Module):
    """phi of queries or keys: one W (d, f) and one b (f) for each head, or one for all heads."""

    def __init__(self, settings, maps, size):
        super().__init__()
        self.name, self.constant = settings["feature_map"], settings.get("constant")
        if self.name not in KINDS:
            raise ValueError(f"feature_map: expected one of {', '.join(KINDS)}, found {self.name}")
        features, kind = settings["feature_size"], self.kind
        weight = torch.empty(maps, size, features) if kind.weight else None
        if kind.trained:
            self.register_parameter("weight", None if weight is None else nn.Parameter(weight))
        else:  # not a parameter: transformers 5 makes every parameter that it loads trainable
            self.register_buffer("weight", weight)
        self.bias = nn.Parameter(torch.zeros(maps, features)) if settings["bias"] else None

    @property
    def kind(self):
        return KINDS[self.name]

    @torch.no_grad()
    def reset(self):
        """The identity with random columns beyond it, or random directions that are not trained."""
        if self.weight is not None:
            size, features = self.weight.shape[1:]
            nn.init.normal_(self.weight, std=size ** -0.5 if self.kind.trained else 1)
            if self.kind.trained:
                same = min(size, features)
                self.weight[..., :same] = torch.eye(size, same, device=self.weight.device)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x, positions):
        """The features of x (batch, heads, length, d), divided by a scale for each row, and the scale's logarithm.

        Only maps that give logarithms have a scale, the largest feature of the row, so that no exponential overflows.
        """
        x = u = x.float()
        if self.weight is not None:
            u = u @ self.weight.float()
        if self.bias is not None:
            u = u + self.bias.float().unsqueeze(-2)
        phi = self.kind.features(u, x=x, positions=positions, constant=self.constant)
        if not self.kind.logarithms:
            return phi, torch.zeros_like(phi[..., 0])
        scale = phi.detach().amax(-1)
        return (phi - scale.unsqueeze(-1)).exp(), scale


# Attention over features


def absorb(state, k, scales, v):
    """The state (S, z, top) with further keys: S = sum phi(k) v^T and z = sum phi(k), both divided by e^top.

    k (batch, heads, length, features) times e^scales are the features; top is the largest scale so far.
    """
    s, z, top = state
    new = torch.maximum(top, scales.amax(-1))
    fade, k = (top - new).exp(), k * (scales - new.unsqueeze(-1)).exp().unsqueeze(-1)
    return fade[..., None, None] * s + k.transpose(-1, -2) @ v, fade.unsqueeze(-1) * z + k.sum(-2), new


def linear_attention(q, k, scales, v, state, causal, epsilon):
    """y_i = sum_j w_ij v_j / (sum_j w_ij + epsilon) over the visible keys, and the state after them.

    w_ij = q_i.k_j e^(scale_j - peak_i), where peak_i is the largest scale that query i sees. q (batch, key heads,
    group, length, features), k (batch, key heads, length, features), v the same with head sizes.
    """
    if state is None:
        s = k.new_zeros(*k.shape[:2], k.shape[-1], v.shape[-1])
        state = s, torch.zeros_like(k[:, :, 0]), torch.full_like(scales[..., 0], NOTHING)
    if not causal:
        s, z, top = absorb(state, k, scales, v)
        return q @ s.unsqueeze(2) / (q @ z[:, :, None, :, None] + epsilon), (s, z, top)
    outputs = []
    for qc, kc, rc, vc in zip(q.split(CHUNK, -2), k.split(CHUNK, -2), scales.split(CHUNK, -1), v.split(CHUNK, -2)):
        s, z, top = state
        peaks = torch.maximum(rc.cummax(-1).values, top.unsqueeze(-1)).unsqueeze(-1)
        factors = (rc.unsqueeze(-2) - peaks).clamp(max=0).exp().unsqueeze(2)
        weights = (qc @ kc.transpose(-1, -2).unsqueeze(2) * factors).tril()
        past = qc * (top[..., None, None] - peaks).exp().unsqueeze(2)
        total = weights.sum(-1, keepdim=True) + past @ z[:, :, None, :, None]
        outputs.append((weights @ vc.unsqueeze(2) + past @ s.unsqueeze(2)) / (total + epsilon))
        state = absorb(state, kc, rc, vc)
    return torch.cat(outputs, -2), state


def extended(past, new):
    """The tensors of the past, each followed by the new ones along the length. The last one, a mask, has no heads."""
    return [torch.cat(pair, min(2, pair[0].dim() - 1)) for pair in zip(past, new)]


def window_attention(q, k, v, phi_q, phi_k, mask, positions, state, size, sinks, scale, factors, epsilon):
    """Like `linear_attention`, but the `size` nearest keys, the query's own included, and the first `sinks` keys have
    the weights factors e^(s_ij - m_i), where s_ij = scale q_i.k_j and m_i is the largest of them (arXiv 2410.10254,
    equation 7).

    Shapes are the same; mask and positions are (batch, length), factors (key heads, group). The state holds S and z of
    the keys that left the window, keys and values of the sinks, then keys, values, features and positions of those
    inside the window, -1 for padding.
    """
    # Distances count tokens only, so padding moves to the front of its row.
    order = mask.sort(dim=-1, stable=True).indices
    turned = order[:, None, None, :, None]
    q, phi_q = q.take_along_dim(turned, -2), phi_q.take_along_dim(turned, -2)
    positions = positions.masked_fill(mask == 0, -1)
    own = positions.take_along_dim(order, -1)
    slots = torch.arange(sinks, device=q.device)
    into = (positions[:, None, None, :] == slots[:, None]).to(k.dtype)  # a sink's row picks its position
    phi_k = phi_k * (positions >= sinks)[:, None, :, None]
    sink_k, sink_v = into @ k, into @ v
    if state is None:
        s, past = k.new_zeros(*k.shape[:2], phi_k.shape[-1], v.shape[-1]), 0
        z = torch.zeros_like(phi_k[:, :, 0])
    else:
        (s, z), past = state[:2], state[4].shape[-2]
        sink_k, sink_v = sink_k + state[2], sink_v + state[3]
        k, v, phi_k, positions = extended(state[4:], (k, v, phi_k, positions))
        order = (positions >= 0).long().sort(dim=-1, stable=True).indices
    k, v, phi_k = (x.take_along_dim(order[:, None, :, None], -2) for x in (k, v, phi_k))
    positions, end, done, outputs = positions.take_along_dim(order, -1), past + q.shape[-2], 0, []

    def leave(s, z, until):
        """The sums S and z with the keys from `done` to `until`, which leave the window."""
        gone = phi_k[:, :, done:until]
        return s + gone.transpose(-1, -2) @ v[:, :, done:until], z + gone.sum(-2), until

    for start in range(past, end, CHUNK):
        stop = min(end, start + CHUNK)
        s, z, done = leave(s, z, max(done, start + 1 - size))
        here, near = slice(start - past, stop - past), slice(done, stop)
        i, j = (torch.arange(*ends, device=q.device) for ends in ((start, stop), (done, stop)))
        distance = i.unsqueeze(-1) - j
        visible = torch.cat((
            own[:, here, None] >= slots, (distance >= 0) & (distance < size) & (positions[:, None, near] >= sinks)
        ), -1)[:, None, None]
        keys, values = (torch.cat(pair, -2).unsqueeze(2) for pair in ((sink_k, k[:, :, near]), (sink_v, v[:, :, near])))
        scores = (scale * q[..., here, :] @ keys.transpose(-1, -2)).masked_fill(~visible, NOTHING)
        weights = factors[..., None, None] * (scores - scores.amax(-1, keepdim=True)).exp() * visible
        far = phi_q[..., here, :] @ phi_k[:, :, None, near].transpose(-1, -2) * (distance >= size)
        weights = weights + F.pad(far, (sinks, 0))
        total = weights.sum(-1, keepdim=True) + phi_q[..., here, :] @ z[:, :, None, :, None]
        y = weights @ values + phi_q[..., here, :] @ s.unsqueeze(2)
        outputs.append(y / (total + epsilon))
    s, z, done = leave(s, z, max(done, end + 1 - size))
    y = torch.cat(outputs, -2)
    y = torch.empty_like(y).scatter_(-2, turned.expand_as(y), y)
    return y, (s, z, sink_k, sink_v, k[:, :, done:], v[:, :, done:], phi_k[:, :, done:], positions[:, done:])


def softmax_attention(q, k, v, mask, state, causal, scale):
    """Softmax attention, and the KV cache after it: keys, values and mask. q (batch, heads, length, d)."""
    if state is not None:
        k, v, mask = extended(state, (k, v, mask))
    visible = mask[:, None, None, :] > 0
    if causal:
        i, j = (torch.arange(first, k.shape[-2], device=q.device) for first in (k.shape[-2] - q.shape[-2], 0))
        # Padding sees itself, so that no row is without weights.
        visible = visible & (j <= i.unsqueeze(-1)) | (j == i.unsqueeze(-1))
    repeats = q.shape[1] // k.shape[1]
    y = F.scaled_dot_product_attention(
        q, k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1), attn_mask=visible, scale=scale)
    return y, (k, v, mask)


# The module, and what it shares with a model


class HedgehogCache:
    """What a decoder remembers: for each layer the tuple of tensors that its attention returned as state."""

    def __init__(self):
        self.states, self.length, self.positions = {}, 0, 0

    def get_seq_length(self, layer_idx=0):
        return self.length

    def reorder_cache(self, beam_idx):
        self.states = {layer: tuple(part[beam_idx] for part in state) for layer, state in self.states.items()}
        if torch.is_tensor(self.positions):
            self.positions = self.positions[beam_idx]


class Batch:
    """What the layers share during one forward pass: mask (1 for a token, 0 for padding), positions and cache."""

    def __init__(self, hidden, attention_mask, cache=None):
        rows, length = hidden.shape[:2]
        if attention_mask is None:
            attention_mask = hidden.new_ones(rows, length, dtype=torch.long)
        if attention_mask.dim() != 2:
            raise ValueError(f"attention_mask: expected the shape [batch, length], found {list(attention_mask.shape)}")
        self.mask = attention_mask[:, -length:].to(hidden.device, torch.long)
        self.cache = cache
        # Padding takes no position, on either side.
        past = 0 if cache is None else cache.positions
        self.positions = (past + self.mask.cumsum(-1) - 1).clamp(min=0)

    def finish(self):
        if self.cache is not None:
            self.cache.length += self.mask.shape[1]
            self.cache.positions = self.positions[:, -1:] + 1


def rotary_frequencies(config, size):
    """RoPE's radians for each position, theta^(-2i/d), scaled as the configuration says, and the factor of cosines and
    sines."""
    rope = getattr(config, "rope_parameters", None) or {
        "rope_theta": config.rope_theta, **(getattr(config, "rope_scaling", None) or {})}
    theta = rope.get("rope_theta") or getattr(config, "rope_theta", 10000.0)
    frequencies = [theta ** (-2 * i / size) for i in range(size // 2)]
    kind = rope.get("rope_type") or rope.get("type") or "default"
    factor = rope.get("factor")
    # A dynamic scaling begins beyond the model's positions, where no sequence of it goes.
    if kind in ("default", "dynamic"):
        return frequencies, 1.0
    if kind == "linear":
        return [f / factor for f in frequencies], 1.0
    if kind == "frequency_factors":
        return [f / divisor for f, divisor in zip(frequencies, rope["factors"])], 1.0
    old = (getattr(config, "original_max_position_embeddings", None) or rope.get("original_max_position_embeddings")
           or config.max_position_embeddings)
    if kind == "longrope":
        factor = factor or config.max_position_embeddings / old
        usual = math.sqrt(1 + math.log(factor) / math.log(old)) if factor > 1 else 1.0
        return [f / d for f, d in zip(frequencies, rope["short_factor"])], rope.get("attention_factor") or usual
    if kind == "yarn":
        return yarn(rope, frequencies, factor, theta, size, old)
    if kind != "llama3":
        raise ValueError(f"rope_type: expected one that hh-convert knows, found {kind}")
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    # 1 keeps a frequency, 0 divides it by the factor, and shares between blend the two.
    shares = [min(1.0, max(0.0, (old * f / (2 * math.pi) - low) / (high - low))) for f in frequencies]
    return [share * f + (1 - share) * f / factor for share, f in zip(shares, frequencies)], 1.0


def yarn(rope, frequencies, factor, theta, size, old):
    """YaRN (arXiv 2309.00071): fast frequencies stay, slow ones are divided, and attention is scaled."""
    def attention(share):
        return 0.1 * share * math.log(factor) + 1 if factor > 1 else 1.0

    def place(turns):
        return size * math.log(old / (turns * 2 * math.pi)) / (2 * math.log(theta))

    scale, every = rope.get("mscale"), rope.get("mscale_all_dim")
    usual = attention(scale) / attention(every) if scale and every else attention(1)
    low, high = place(rope.get("beta_fast") or 32), place(rope.get("beta_slow") or 1)
    if rope.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, size - 1)
    span = high - low or 0.001
    shares = [min(1.0, max(0.0, (i - low) / span)) for i in range(size // 2)]
    return ([share * f / factor + (1 - share) * f for share, f in zip(shares, frequencies)],
            rope.get("attention_factor") or usual)


def rotate(x, positions, rotary):
    """RoPE on x (batch, heads, length, d): element i of the first half turns with element i of the second half."""
    frequencies, scale = rotary
    angles = positions[:, None, :, None].float() * torch.tensor(frequencies, device=x.device)
    (cos, sin), (a, b) = (scale * angles.cos(), scale * angles.sin()), x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class HedgehogAttention(nn.Module):
    """Attention after the projections of queries, keys and values."""

    def __init__(self, config, layer, causal, rotary):
        super().__init__()
        settings = config.hedgehog
        if settings["epsilon_placement"] != "added-to-denominator":
            raise ValueError(f"epsilon_placement: expected added-to-denominator, found {settings['epsilon_placement']}")
        self.layer, self.causal, self.epsilon = layer, causal, settings["epsilon"]
        self.heads = config.num_attention_heads
        self.key_value_heads = getattr(config, "num_key_value_heads", None) or self.heads
        self.size = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.widths = [heads * self.size for heads in (self.heads, self.key_value_heads, self.key_value_heads)]
        self.scale = self.size ** -0.5 if getattr(config, "scale_attn_weights", True) else 1.0
        if getattr(config, "scale_attn_by_inverse_layer_idx", False):
            self.scale /= layer + 1
        self.rotary = rotary_frequencies(config, self.size) if rotary else None
        self.drops_positions = settings.get("positions") == "dropped"
        if layer in settings.get("softmax_layers", ()):
            self.feature_map = None
            return
        self.key_heads = self.heads if settings["key_maps"] == "query-head" else self.key_value_heads
        shared = settings["key_maps"] == "all-heads"
        self.feature_map = nn.ModuleDict({
            "query": FeatureMap(settings, 1 if shared else self.heads, self.size),
            "key": FeatureMap(settings, 1 if shared else self.key_heads, self.size)})
        self.window, self.sinks = settings.get("window"), settings.get("sinks", 0)
        if self.window is not None:
            # What the factors of the window's weights are computed from, one for each head.
            self.window_factor = torch.exp if settings.get("window_factor") == "exponential" else torch.sigmoid
            self.feature_map.register_parameter("window", nn.Parameter(torch.zeros(self.heads)))

    def forward(self, q, k, v, batch):
        """The mixed values (batch, length, heads x d) for projections (batch, length, their heads x d)."""
        q, k, v = (x.view(*x.shape[:2], x.shape[-1] // self.size, self.size).transpose(1, 2) for x in (q, k, v))
        seen = q, k
        if self.rotary is not None:
            q, k = (rotate(x, batch.positions, self.rotary) for x in (q, k))
            seen = seen if self.drops_positions else (q, k)
        state = batch.cache.states.get(self.layer) if batch.cache is not None else None
        if self.feature_map is not None:
            y, state = self.weigh_by_features(q, k, v, seen, batch, state)
        else:
            y, state = softmax_attention(q, k, v, batch.mask, state, self.causal, self.scale)
        if batch.cache is not None:
            batch.cache.states[self.layer] = state
        return y.transpose(1, 2).flatten(2).to(v.dtype)

    def weigh_by_features(self, q, k, v, seen, batch, state):
        """The mixed values, given the queries and keys that the feature maps see, and the state after them."""
        repeats = self.key_heads // self.key_value_heads
        k, v, seen_k = (x.repeat_interleave(repeats, 1) for x in (k, v, seen[1]))
        # Features, state and quotient stay in float32: half precision loses long sums and small features.
        with torch.autocast(q.device.type, enabled=False):
            phi_q = self.feature_map["query"](seen[0], batch.positions)[0].unflatten(1, (self.key_heads, -1))
            phi_k, scales = self.feature_map["key"](seen_k, batch.positions)
            phi_k, scales = phi_k * batch.mask[:, None, :, None], scales.where(batch.mask[:, None] > 0, NOTHING)
            if self.window is None:
                y, state = linear_attention(phi_q, phi_k, scales, v.float(), state, self.causal, self.epsilon)
            else:
                q, factors = (x.unflatten(axis, (self.key_heads, -1)) for x, axis in (
                    (q.float(), 1), (self.window_factor(self.feature_map.window.float()), 0)))
                y, state = window_attention(
                    q, k.float(), v.float(), phi_q, phi_k, batch.mask, batch.positions, state, self.window, self.sinks, self.scale, factors,
                    self.epsilon)
        return y.flatten(1, 2), state
