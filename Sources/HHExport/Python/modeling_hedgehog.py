"""Hedgehog linear-attention GPT-2, BERT, ViT and Llama for Hugging Face transformers, as hh-convert exports them.

Every attention block weighs its values by phi_q(q).phi_k(k) instead of exp(q.k) (arXiv 2402.04347); everything else is the
source model, under the source model's tensor names. Time and memory grow linearly with the length, and a decoder
keeps a state of fixed size (HedgehogCache) in place of keys and values. Where the configuration has a `window`, that
many nearest keys keep softmax weights (arXiv 2410.10254); `softmax_layers` keep softmax attention. There is no dropout.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F
from transformers import BertConfig, GenerationMixin, GPT2Config, LlamaConfig, PreTrainedModel, ViTConfig
from transformers.activations import ACT2FN
from transformers.modeling_outputs import (
    BaseModelOutputWithPast, BaseModelOutputWithPooling, CausalLMOutputWithPast, ImageClassifierOutput, MaskedLMOutput,
    SequenceClassifierOutput)
from transformers.pytorch_utils import Conv1D  # y = xW + b with W stored (inputs, outputs)

from .linear_attention import (
    NOTHING, FeatureMap, HedgehogCache, linear_attention, softmax_attention, window_attention)


class HedgehogGPT2Config(GPT2Config):
    model_type = "hedgehog_gpt2"


class HedgehogBertConfig(BertConfig):
    model_type = "hedgehog_bert"


class HedgehogViTConfig(ViTConfig):
    model_type = "hedgehog_vit"


class HedgehogLlamaConfig(LlamaConfig):
    model_type = "hedgehog_llama"


# Attention


class Batch:
    """What the blocks of one forward pass share: mask (1 for a token, 0 for padding), positions and cache."""

    def __init__(self, hidden, attention_mask, cache=None):
        rows, length = hidden.shape[:2]
        if attention_mask is None:
            attention_mask = hidden.new_ones(rows, length, dtype=torch.long)
        if attention_mask.dim() != 2:
            raise ValueError(f"attention_mask: expected the shape [batch, length], found {list(attention_mask.shape)}")
        self.mask = attention_mask[:, -length:].to(hidden.device, torch.long)
        self.cache = cache
        # Padding takes no position, on whichever side it stands.
        past = 0 if cache is None else cache.positions
        self.positions = (past + self.mask.cumsum(-1) - 1).clamp(min=0)

    def finish(self):
        if self.cache is not None:
            self.cache.length += self.mask.shape[1]
            self.cache.positions = self.positions[:, -1:] + 1


class HedgehogAttention(nn.Module):
    """The part that all four architectures share; subclasses bring the projections under their own names."""

    causal = False

    def __init__(self, config, layer):
        super().__init__()
        settings = config.hedgehog
        if settings["epsilon_placement"] != "added-to-denominator":
            raise ValueError(f"epsilon_placement: expected added-to-denominator, found {settings['epsilon_placement']}")
        self.layer, self.epsilon = layer, settings["epsilon"]
        self.heads = config.num_attention_heads
        self.key_value_heads = getattr(config, "num_key_value_heads", None) or self.heads
        self.size = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.scale = self.size ** -0.5
        if layer in settings.get("softmax_layers", ()):
            self.feature_map = None
            return
        self.key_heads = self.heads if settings["key_maps"] == "query-head" else self.key_value_heads
        shared = settings["key_maps"] == "all-heads"
        self.feature_map = nn.ModuleDict({
            "query": FeatureMap(settings, 1 if shared else self.heads, self.size),
            "key": FeatureMap(settings, 1 if shared else self.key_heads, self.size)})
        self.window = settings.get("window")
        if self.window is not None:
            # Logits of the factors that the window's weights have, one for each head.
            self.feature_map.register_parameter("window", nn.Parameter(torch.full((self.heads,), math.log(0.1 / 0.9))))

    def split(self, x, heads):
        return x.view(*x.shape[:2], heads, self.size).transpose(1, 2)

    def mix(self, q, k, v, batch):
        q, k, v = self.split(q, self.heads), self.split(k, self.key_value_heads), self.split(v, self.key_value_heads)
        q, k = self.turn(q, batch.positions), self.turn(k, batch.positions)
        state = batch.cache.states.get(self.layer) if batch.cache is not None else None
        weigh = self.weigh_by_features if self.feature_map is not None else self.weigh_by_softmax
        y, state = weigh(q, k, v, batch, state)
        if batch.cache is not None:
            batch.cache.states[self.layer] = state
        return y.transpose(1, 2).flatten(2).to(v.dtype)

    def weigh_by_softmax(self, q, k, v, batch, state):
        return softmax_attention(q, k, v, batch.mask, state, self.causal, self.scale)

    def weigh_by_features(self, q, k, v, batch, state):
        repeats = self.key_heads // self.key_value_heads
        k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
        # Features, state and quotient stay in float32: half precision loses long sums and small features.
        with torch.autocast(q.device.type, enabled=False):
            phi_q = self.feature_map["query"](q, batch.positions)[0].unflatten(1, (self.key_heads, -1))
            phi_k, scales = self.feature_map["key"](k, batch.positions)
            phi_k, scales = phi_k * batch.mask[:, None, :, None], scales.where(batch.mask[:, None] > 0, NOTHING)
            if self.window is None:
                y, state = linear_attention(phi_q, phi_k, scales, v.float(), state, self.causal, self.epsilon)
            else:
                q, mixing = (x.unflatten(axis, (self.key_heads, -1)) for x, axis in (
                    (q.float(), 1), (self.feature_map.window.float().sigmoid(), 0)))
                y, state = window_attention(
                    q, k.float(), v.float(), phi_q, phi_k, batch.mask, state, self.window, self.scale, mixing,
                    self.epsilon)
        return y.flatten(1, 2), state

    def turn(self, x, positions):
        return x


class RMSNorm(nn.Module):
    def __init__(self, size, epsilon):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(size)), epsilon

    def forward(self, x):
        y = x.float() * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + self.epsilon)
        return self.weight * y.to(x.dtype)


class HedgehogModel(PreTrainedModel):
    """Settings that every class here shares."""

    _keep_in_fp32_modules_strict = ["feature_map"]
    _no_split_modules = ["GPT2Block", "BertLayer", "ViTLayer", "LlamaLayer"]
    _head_keys = r"^(lm_head|cls|classifier)\."

    def _init_weights(self, module):
        deviation = self.config.initializer_range
        if isinstance(module, FeatureMap):
            module.reset()
        elif isinstance(module, (nn.Linear, nn.Conv2d, nn.Embedding, Conv1D)):
            nn.init.normal_(module.weight, std=deviation)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.LayerNorm, RMSNorm)):
            nn.init.ones_(module.weight)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)

    def has(self, part):
        return part in self.config.hedgehog["modules"]


# GPT-2


class GPT2Attention(HedgehogAttention):
    causal = True

    def __init__(self, config, layer):
        super().__init__(config, layer)
        self.c_attn = Conv1D(3 * config.n_embd, config.n_embd)
        self.c_proj = Conv1D(config.n_embd, config.n_embd)
        if not config.scale_attn_weights:
            self.scale = 1.0
        if config.scale_attn_by_inverse_layer_idx:
            self.scale /= layer + 1

    def forward(self, x, batch):
        return self.c_proj(self.mix(*self.c_attn(x).chunk(3, -1), batch))


class GPT2MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        inner = config.n_inner or 4 * config.n_embd
        self.c_fc, self.c_proj = Conv1D(inner, config.n_embd), Conv1D(config.n_embd, inner)
        self.activation = ACT2FN[config.activation_function]

    def forward(self, x):
        return self.c_proj(self.activation(self.c_fc(x)))


class GPT2Block(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon)
        self.attn = GPT2Attention(config, layer)
        self.ln_2 = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon)
        self.mlp = GPT2MLP(config)

    def forward(self, x, batch):
        x = x + self.attn(self.ln_1(x), batch)
        return x + self.mlp(self.ln_2(x))


class Decoder(HedgehogModel):
    """A causal stack: embeddings, blocks, norm. Subclasses name the parts in `parts`."""

    _keys_to_ignore_on_load_unexpected = [HedgehogModel._head_keys]

    def forward(self, input_ids=None, attention_mask=None, past_key_values=None, inputs_embeds=None, use_cache=None,
                output_hidden_states=None, **_):
        embedding, positions, blocks, norm = self.parts()
        x = embedding(input_ids) if inputs_embeds is None else inputs_embeds
        use_cache = self.config.use_cache and not self.training if use_cache is None else use_cache
        cache = past_key_values if past_key_values is not None else HedgehogCache() if use_cache else None
        batch = Batch(x, attention_mask, cache)
        if positions is not None:
            x = x + positions(batch.positions)
        seen = []
        for block in blocks:
            seen.append(x)
            x = block(x, batch)
        batch.finish()
        x = norm(x)
        return BaseModelOutputWithPast(
            last_hidden_state=x, past_key_values=cache, hidden_states=(*seen, x) if output_hidden_states else None)

    def get_input_embeddings(self):
        return self.parts()[0]


class CausalLM(HedgehogModel, GenerationMixin):
    """A decoder with a head that gives the logits of the next token."""

    def forward(self, input_ids=None, attention_mask=None, past_key_values=None, inputs_embeds=None, labels=None,
                use_cache=None, output_hidden_states=None, logits_to_keep=0, **_):
        outputs = self.base_model(
            input_ids, attention_mask, past_key_values, inputs_embeds, use_cache, output_hidden_states)
        logits = self.lm_head(outputs.last_hidden_state[:, -logits_to_keep:])
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten().to(logits.device))
        return CausalLMOutputWithPast(
            loss=loss, logits=logits, past_key_values=outputs.past_key_values, hidden_states=outputs.hidden_states)

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, attention_mask=None, **kwargs):
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        return {"input_ids": input_ids[:, seen:], "past_key_values": past_key_values, "attention_mask": attention_mask,
                "use_cache": kwargs.get("use_cache"), "logits_to_keep": 1}

    def _reorder_cache(self, past_key_values, beam_idx):
        past_key_values.reorder_cache(beam_idx)
        return past_key_values

    @classmethod
    def _supports_default_dynamic_cache(cls):
        return False  # generate() must not bring a cache of keys and values

    def get_input_embeddings(self):
        return self.base_model.get_input_embeddings()

    def get_output_embeddings(self):
        return self.lm_head


class HedgehogGPT2Model(Decoder):
    config_class, base_model_prefix = HedgehogGPT2Config, "transformer"

    def __init__(self, config):
        super().__init__(config)
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.h = nn.ModuleList(GPT2Block(config, layer) for layer in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon)
        self.post_init()

    def parts(self):
        return self.wte, self.wpe, self.h, self.ln_f


class HedgehogGPT2LMHeadModel(CausalLM):
    config_class, base_model_prefix = HedgehogGPT2Config, "transformer"
    _tied_weights_keys = {"lm_head.weight": "transformer.wte.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.transformer = HedgehogGPT2Model(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.post_init()


# Llama


class LlamaAttention(HedgehogAttention):
    causal = True

    def __init__(self, config, layer):
        super().__init__(config, layer)
        width, inner, bias = config.hidden_size, self.heads * self.size, config.attention_bias
        self.q_proj = nn.Linear(width, inner, bias)
        self.k_proj = nn.Linear(width, self.key_value_heads * self.size, bias)
        self.v_proj = nn.Linear(width, self.key_value_heads * self.size, bias)
        self.o_proj = nn.Linear(inner, width, bias)
        self.frequencies = rotary_frequencies(config, self.size)

    def forward(self, x, batch):
        return self.o_proj(self.mix(self.q_proj(x), self.k_proj(x), self.v_proj(x), batch))

    def turn(self, x, positions):
        angles = positions[:, None, :, None].float() * torch.tensor(self.frequencies, device=x.device)
        (cos, sin), (a, b) = (angles.cos(), angles.sin()), x.float().chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def rotary_frequencies(config, size):
    """Radians for each position: theta^(-2i/d), scaled as the configuration says."""
    rope = getattr(config, "rope_parameters", None) or {
        "rope_theta": config.rope_theta, **(getattr(config, "rope_scaling", None) or {})}
    theta = rope.get("rope_theta") or getattr(config, "rope_theta", 10000.0)
    frequencies = [theta ** (-2 * i / size) for i in range(size // 2)]
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "default":
        return frequencies
    if kind == "linear":
        return [f / rope["factor"] for f in frequencies]
    if kind == "frequency_factors":
        return [f / factor for f, factor in zip(frequencies, rope["factors"])]
    if kind != "llama3":
        raise ValueError(f"rope_type: expected default, linear, llama3 or frequency_factors, found {kind}")
    low, high, old = rope["low_freq_factor"], rope["high_freq_factor"], rope["original_max_position_embeddings"]
    # 1 keeps a frequency, 0 divides it, in between they blend.
    shares = [min(1.0, max(0.0, (old * f / (2 * math.pi) - low) / (high - low))) for f in frequencies]
    return [share * f + (1 - share) * f / rope["factor"] for share, f in zip(shares, frequencies)]


class LlamaMLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.gate_proj, self.up_proj = nn.Linear(width, inner, bias), nn.Linear(width, inner, bias)
        self.down_proj = nn.Linear(inner, width, bias)
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, x):
        return self.down_proj(self.activation(self.gate_proj(x)) * self.up_proj(x))


class LlamaLayer(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = LlamaAttention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = LlamaMLP(config)

    def forward(self, x, batch):
        x = x + self.self_attn(self.input_layernorm(x), batch)
        return x + self.mlp(self.post_attention_layernorm(x))


class HedgehogLlamaModel(Decoder):
    config_class, base_model_prefix = HedgehogLlamaConfig, "model"

    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(LlamaLayer(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_init()

    def parts(self):
        return self.embed_tokens, None, self.layers, self.norm


class HedgehogLlamaForCausalLM(CausalLM):
    config_class, base_model_prefix = HedgehogLlamaConfig, "model"
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.model = HedgehogLlamaModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()


# BERT and ViT


class EncoderAttention(HedgehogAttention):
    def __init__(self, config, layer):
        super().__init__(config, layer)
        width, bias = config.hidden_size, getattr(config, "qkv_bias", True)
        self.query, self.key, self.value = (nn.Linear(width, width, bias) for _ in range(3))

    def forward(self, x, batch):
        return self.mix(self.query(x), self.key(x), self.value(x), batch)


def dense(inputs, outputs, norm=None):
    """A linear map under the name `dense`, with a norm under the name `LayerNorm` where BERT has one."""
    parts = {"dense": nn.Linear(inputs, outputs)}
    return nn.ModuleDict(parts if norm is None else {**parts, "LayerNorm": nn.LayerNorm(outputs, norm)})


class BertLayer(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        width, inner, epsilon = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.attention = nn.ModuleDict({"self": EncoderAttention(config, layer), "output": dense(width, width, epsilon)})
        self.intermediate, self.output = dense(width, inner), dense(inner, width, epsilon)
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, x, batch):
        output = self.attention["output"]
        x = output["LayerNorm"](x + output["dense"](self.attention["self"](x, batch)))
        inner = self.activation(self.intermediate["dense"](x))
        return self.output["LayerNorm"](x + self.output["dense"](inner))


class ViTLayer(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        width, inner, epsilon = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.layernorm_before, self.layernorm_after = nn.LayerNorm(width, epsilon), nn.LayerNorm(width, epsilon)
        self.attention = nn.ModuleDict({"attention": EncoderAttention(config, layer), "output": dense(width, width)})
        self.intermediate, self.output = dense(width, inner), dense(inner, width)
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, x, batch):
        mixed = self.attention["attention"](self.layernorm_before(x), batch)
        x = x + self.attention["output"]["dense"](mixed)
        inner = self.activation(self.intermediate["dense"](self.layernorm_after(x)))
        return x + self.output["dense"](inner)


class Encoder(HedgehogModel):
    """A bidirectional stack with an optional pooler."""

    _keys_to_ignore_on_load_unexpected = [HedgehogModel._head_keys]

    def build(self, config, layer):
        layers = nn.ModuleList(layer(config, index) for index in range(config.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layer": layers})
        self.pooler = dense(config.hidden_size, config.hidden_size) if self.has("pooler") else None

    def encode(self, x, attention_mask, output_hidden_states, norm=lambda x: x):
        batch, seen = Batch(x, attention_mask), []
        for layer in self.encoder["layer"]:
            seen.append(x)
            x = layer(x, batch)
        seen.append(x)
        x = norm(x)
        pooled = None if self.pooler is None else self.pooler["dense"](x[:, 0]).tanh()
        return BaseModelOutputWithPooling(
            last_hidden_state=x, pooler_output=pooled, hidden_states=tuple(seen) if output_hidden_states else None)


class HedgehogBertModel(Encoder):
    config_class, base_model_prefix = HedgehogBertConfig, "bert"

    def __init__(self, config):
        super().__init__(config)
        self.embeddings = nn.ModuleDict({
            "word_embeddings": nn.Embedding(config.vocab_size, config.hidden_size),
            "position_embeddings": nn.Embedding(config.max_position_embeddings, config.hidden_size),
            "token_type_embeddings": nn.Embedding(config.type_vocab_size, config.hidden_size),
            "LayerNorm": nn.LayerNorm(config.hidden_size, config.layer_norm_eps)})
        self.build(config, BertLayer)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, inputs_embeds=None,
                output_hidden_states=None, **_):
        parts = self.embeddings
        x = parts["word_embeddings"](input_ids) if inputs_embeds is None else inputs_embeds
        positions = Batch(x, attention_mask).positions
        types = torch.zeros_like(positions) if token_type_ids is None else token_type_ids
        x = x + parts["position_embeddings"](positions) + parts["token_type_embeddings"](types)
        return self.encode(parts["LayerNorm"](x), attention_mask, output_hidden_states)

    def get_input_embeddings(self):
        return self.embeddings["word_embeddings"]


class BertPredictions(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config.hidden_size
        self.transform = dense(width, width, config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        # A decoder with a bias of its own has that one instead.
        self.decoder = nn.Linear(width, config.vocab_size, bias="decoder_bias" in config.hedgehog["modules"])
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, x):
        y = self.decoder(self.transform["LayerNorm"](self.activation(self.transform["dense"](x))))
        return y if self.decoder.bias is not None else y + self.bias


class HedgehogBertForMaskedLM(HedgehogModel):
    config_class, base_model_prefix = HedgehogBertConfig, "bert"
    _tied_weights_keys = {"cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.bert = HedgehogBertModel(config)
        self.cls = nn.ModuleDict({"predictions": BertPredictions(config)})
        if self.has("next_sentence"):
            self.cls["seq_relationship"] = nn.Linear(config.hidden_size, 2)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, inputs_embeds=None, labels=None,
                output_hidden_states=None, **_):
        outputs = self.bert(input_ids, attention_mask, token_type_ids, inputs_embeds, output_hidden_states)
        logits = self.cls["predictions"](outputs.last_hidden_state)
        loss = None if labels is None else F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return MaskedLMOutput(loss=loss, logits=logits, hidden_states=outputs.hidden_states)

    def get_input_embeddings(self):
        return self.bert.get_input_embeddings()

    def get_output_embeddings(self):
        return self.cls["predictions"].decoder


def classification_loss(logits, labels):
    if labels is None:
        return None
    if logits.shape[-1] == 1:
        return F.mse_loss(logits.flatten().float(), labels.flatten().float())
    return F.cross_entropy(logits.float(), labels)


class HedgehogBertForSequenceClassification(HedgehogModel):
    config_class, base_model_prefix = HedgehogBertConfig, "bert"

    def __init__(self, config):
        super().__init__(config)
        self.bert = HedgehogBertModel(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, inputs_embeds=None, labels=None,
                output_hidden_states=None, **_):
        outputs = self.bert(input_ids, attention_mask, token_type_ids, inputs_embeds, output_hidden_states)
        pooled = outputs.last_hidden_state[:, 0] if outputs.pooler_output is None else outputs.pooler_output
        logits = self.classifier(pooled)
        return SequenceClassifierOutput(
            loss=classification_loss(logits, labels), logits=logits, hidden_states=outputs.hidden_states)

    def get_input_embeddings(self):
        return self.bert.get_input_embeddings()


class ViTEmbeddings(nn.Module):
    def __init__(self, config, masked):
        super().__init__()
        width = config.hidden_size
        image, patch = (side if isinstance(side, int) else side[0] for side in (config.image_size, config.patch_size))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width)) if masked else None
        self.position_embeddings = nn.Parameter(torch.zeros(1, (image // patch) ** 2 + 1, width))
        self.patch_embeddings = nn.ModuleDict({"projection": nn.Conv2d(config.num_channels, width, patch, patch)})

    def forward(self, pixels):
        projection = self.patch_embeddings["projection"]
        patches = projection(pixels.to(projection.weight.dtype)).flatten(2).transpose(1, 2)
        return torch.cat((self.cls_token.expand(len(pixels), -1, -1), patches), 1) + self.position_embeddings


class HedgehogViTModel(Encoder):
    config_class, base_model_prefix, main_input_name = HedgehogViTConfig, "vit", "pixel_values"

    def __init__(self, config):
        super().__init__(config)
        self.embeddings = ViTEmbeddings(config, self.has("mask_token"))
        self.build(config, ViTLayer)
        self.layernorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.post_init()

    def forward(self, pixel_values, output_hidden_states=None, **_):
        return self.encode(self.embeddings(pixel_values), None, output_hidden_states, self.layernorm)

    def get_input_embeddings(self):
        return self.embeddings.patch_embeddings


class HedgehogViTForImageClassification(HedgehogModel):
    config_class, base_model_prefix, main_input_name = HedgehogViTConfig, "vit", "pixel_values"

    def __init__(self, config):
        super().__init__(config)
        self.vit = HedgehogViTModel(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, pixel_values, labels=None, output_hidden_states=None, **_):
        outputs = self.vit(pixel_values, output_hidden_states)
        pooled = outputs.last_hidden_state[:, 0] if outputs.pooler_output is None else outputs.pooler_output
        logits = self.classifier(pooled)
        return ImageClassifierOutput(
            loss=classification_loss(logits, labels), logits=logits, hidden_states=outputs.hidden_states)
