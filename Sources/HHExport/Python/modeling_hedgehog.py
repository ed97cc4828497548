"""Hedgehog linear-attention GPT-2, BERT, ViT and Llama for Hugging Face transformers, as hh-convert exports them.

Every attention block weighs its values by phi_q(q).phi_k(k) instead of exp(q.k) (arXiv 2402.04347); everything else is
the source model, under the source model's tensor names. Time and memory grow linearly with the length, and a decoder
keeps a state of fixed size (HedgehogCache) in place of keys and values. Where the configuration has a `window`, that
many nearest keys keep softmax weights (arXiv 2410.10254); `softmax_layers` keep softmax attention. There is no dropout.
First comes what all architectures share, then a short declaration of each.
"""

import sys
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from transformers import BertConfig, GenerationMixin, GPT2Config, LlamaConfig, PreTrainedModel, ViTConfig
from transformers.activations import ACT2FN
from transformers.modeling_outputs import (
    BaseModelOutputWithPast, BaseModelOutputWithPooling, CausalLMOutputWithPast, ImageClassifierOutput, MaskedLMOutput,
    SequenceClassifierOutput)
from transformers.pytorch_utils import Conv1D  # y = xW + b with W stored (inputs, outputs)

from .linear_attention import Batch, FeatureMap, HedgehogAttention, HedgehogCache


class Family(NamedTuple):
    """What an architecture differs in: its parts under the checkpoint's dotted names, by role, and a few choices."""

    names: dict  # in the model
    layer: dict  # in a layer
    causal: bool = False  # a decoder, which has a cache
    rotary: bool = False  # RoPE on queries and keys
    post_norm: bool = False  # norms come after the residual sums, not before attention and MLP
    norm: Any = nn.LayerNorm  # of size, epsilon
    linear: Any = nn.Linear  # of inputs, outputs, bias


class Parts:
    """A module with submodules at dotted names, found by their roles in `names`."""

    def build(self, makers):
        """Adds the part of each role that has a name. A part may lie inside an earlier one."""
        for role, make in makers.items():
            if role in self.names:
                parent, (*path, name) = self, self.names[role].split(".")
                for step in path:
                    if not hasattr(parent, step):
                        parent.add_module(step, nn.Module())
                    parent = getattr(parent, step)
                parent.add_module(name, make())

    def part(self, role):
        """The part of a role, or the identity. It is looked up each time, since adapters replace modules."""
        return self.get_submodule(self.names[role]) if role in self.names else lambda x: x


class RMSNorm(nn.Module):
    def __init__(self, size, epsilon):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(size)), epsilon

    def forward(self, x):
        y = x.float() * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + self.epsilon)
        return self.weight * y.to(x.dtype)


class HedgehogLayer(Parts, nn.Module):
    """Attention, then an MLP, each added to the residual stream."""

    def __init__(self, config, family, index):
        super().__init__()
        self.names, self.post_norm, self.activation = family.layer, family.post_norm, ACT2FN[config.hidden_act]
        attention = HedgehogAttention(config, index, family.causal, family.rotary)
        width, inner = config.hidden_size, config.intermediate_size or 4 * config.hidden_size
        queries, keys, _ = attention.widths
        bias, mlp_bias = getattr(config, "attention_bias", True), getattr(config, "mlp_bias", True)
        qkv_bias, linear = getattr(config, "qkv_bias", bias), family.linear
        self.build({
            "attention": lambda: attention,
            "attention.qkv": lambda: linear(width, sum(attention.widths), qkv_bias),
            "attention.query": lambda: linear(width, queries, qkv_bias),
            "attention.key": lambda: linear(width, keys, qkv_bias),
            "attention.value": lambda: linear(width, keys, qkv_bias),
            "attention.output": lambda: linear(queries, width, bias),
            "attentionNorm": lambda: family.norm(width, config.layer_norm_eps),
            "mlp.gate": lambda: linear(width, inner, mlp_bias),
            "mlp.up": lambda: linear(width, inner, mlp_bias),
            "mlp.down": lambda: linear(inner, width, mlp_bias),
            "mlpNorm": lambda: family.norm(width, config.layer_norm_eps)})

    def forward(self, x, batch):
        for branch, norm in ((self.attend, self.part("attentionNorm")), (self.transform, self.part("mlpNorm"))):
            x = norm(x + branch(x, batch)) if self.post_norm else x + branch(norm(x), batch)
        return x

    def attend(self, x, batch):
        attention = self.part("attention")
        if "attention.qkv" in self.names:
            qkv = self.part("attention.qkv")(x).split(attention.widths, -1)
        else:
            qkv = [self.part("attention." + role)(x) for role in ("query", "key", "value")]
        return self.part("attention.output")(attention(*qkv, batch))

    def transform(self, x, _):
        if "mlp.gate" in self.names:
            return self.part("mlp.down")(self.activation(self.part("mlp.gate")(x)) * self.part("mlp.up")(x))
        return self.part("mlp.down")(self.activation(self.part("mlp.up")(x)))


class PatchEmbeddings(nn.Module):
    """Patches of images (batch, channels, height, width) behind a class token, with learned positions."""

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


class HedgehogModel(PreTrainedModel):
    """Settings of every model here."""

    _keep_in_fp32_modules_strict = ["feature_map"]
    _no_split_modules = ["HedgehogLayer"]

    def _init_weights(self, module):
        if isinstance(module, FeatureMap):
            module.reset()
        elif isinstance(module, (nn.LayerNorm, RMSNorm)):
            nn.init.ones_(module.weight)
        elif isinstance(module, (nn.Linear, nn.Conv2d, nn.Embedding, Conv1D)):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
        else:
            return
        if getattr(module, "bias", None) is not None:
            nn.init.zeros_(module.bias)

    def has(self, module):
        """Whether the source has a module that some models of its architecture lack."""
        return module in self.config.hedgehog["modules"]


class Backbone(Parts, HedgehogModel):
    """Embeddings, layers, a final norm and a pooler, without a head. Subclasses declare their `family`."""

    _keys_to_ignore_on_load_unexpected = [r"^(lm_head|cls|classifier|score)\."]

    def __init__(self, config):
        super().__init__(config)
        self.names, width = self.family.names, config.hidden_size
        self.build({
            "embedding.token": lambda: nn.Embedding(config.vocab_size, width),
            "embedding.position": lambda: nn.Embedding(config.max_position_embeddings, width),
            "embedding.tokenType": lambda: nn.Embedding(config.type_vocab_size, width),
            "embedding.patch": lambda: PatchEmbeddings(config, self.has("mask_token")),
            "embedding.norm": lambda: self.family.norm(width, config.layer_norm_eps),
            "layers": lambda: nn.ModuleList(
                HedgehogLayer(config, self.family, index) for index in range(config.num_hidden_layers)),
            "finalNorm": lambda: self.family.norm(width, config.layer_norm_eps),
            "pooler": lambda: nn.Linear(width, width) if self.has("pooler") else None})
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, inputs_embeds=None,
                past_key_values=None, use_cache=None, output_hidden_states=None, **_):
        x = self.get_input_embeddings()(input_ids) if inputs_embeds is None else inputs_embeds
        causal = self.family.causal
        use_cache = causal and (self.config.use_cache and not self.training if use_cache is None else use_cache)
        cache = HedgehogCache() if use_cache and past_key_values is None else past_key_values
        batch, seen = Batch(x, attention_mask, cache), []
        types = torch.zeros_like(batch.positions) if token_type_ids is None else token_type_ids
        for role, indices in (("embedding.position", batch.positions), ("embedding.tokenType", types)):
            if role in self.names:
                x = x + self.part(role)(indices)
        x = self.part("embedding.norm")(x)
        for layer in self.part("layers"):
            seen.append(x)
            x = layer(x, batch)
        batch.finish()
        y = self.part("finalNorm")(x)
        # As in transformers, only a decoder's last state comes after the final norm.
        seen = (*seen, y if causal else x) if output_hidden_states else None
        if causal:
            return BaseModelOutputWithPast(last_hidden_state=y, past_key_values=cache, hidden_states=seen)
        pooled = self.part("pooler")(y[:, 0]).tanh() if self.has("pooler") else None
        return BaseModelOutputWithPooling(last_hidden_state=y, pooler_output=pooled, hidden_states=seen)

    def get_input_embeddings(self):
        return self.part("embedding.token" if "embedding.token" in self.names else "embedding.patch")


def offer_to_server(model):
    """Puts a class where `transformers serve` (5.24) looks for it: among those of transformers, whatever is trusted."""
    manager = sys.modules.get("transformers.cli.serving.model_manager")
    if hasattr(manager, "transformers"):
        setattr(manager.transformers, model.__name__, model)


class Head(HedgehogModel):
    """A backbone, and a head that makes logits. `class Model(Head, backbone=Backbone)` makes a model of a family."""

    output_weights = None  # the name of the linear map whose weight may be the token embedding

    def __init_subclass__(cls, backbone=None, **options):
        if backbone is not None:
            cls.backbone, cls.config_class = backbone, backbone.config_class
            cls.base_model_prefix, cls.main_input_name = backbone.base_model_prefix, backbone.main_input_name
            if cls.output_weights is not None:
                token = f"{backbone.base_model_prefix}.{backbone.family.names['embedding.token']}"
                cls._tied_weights_keys = {f"{cls.output_weights}.weight": f"{token}.weight"}
            offer_to_server(cls)
        super().__init_subclass__(**options)

    def __init__(self, config):
        super().__init__(config)
        self.add_module(self.base_model_prefix, self.backbone(config))
        self.add_head(config)
        self.post_init()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, inputs_embeds=None, labels=None,
                logits_to_keep=0, **inputs):
        outputs = self.base_model(input_ids, attention_mask, token_type_ids, inputs_embeds, **inputs)
        outputs.last_hidden_state = outputs.last_hidden_state[:, -logits_to_keep:]
        logits = self.logits(outputs)
        loss = None if labels is None else self.loss(logits.float(), labels.to(logits.device))
        kept = {key: outputs[key] for key in ("past_key_values", "hidden_states") if key in outputs}
        return self.output(loss=loss, logits=logits, **kept)

    def get_output_embeddings(self):
        return self.get_submodule(self.output_weights) if self.output_weights else None


class CausalLM(Head, GenerationMixin):
    """The logits of the next token."""

    output, output_weights = CausalLMOutputWithPast, "lm_head"

    def add_head(self, config):
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def logits(self, outputs):
        return self.lm_head(outputs.last_hidden_state)

    def loss(self, logits, labels):
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

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


class MaskedLM(Head):
    """The logits of masked tokens."""

    output, output_weights = MaskedLMOutput, "cls.predictions.decoder"

    def add_head(self, config):
        width = config.hidden_size
        transform = {"dense": nn.Linear(width, width), "LayerNorm": nn.LayerNorm(width, config.layer_norm_eps)}
        # A decoder with a bias of its own has that one instead.
        decoder = nn.Linear(width, config.vocab_size, bias=self.has("decoder_bias"))
        predictions = nn.ModuleDict({"transform": nn.ModuleDict(transform), "decoder": decoder})
        predictions.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.cls, self.activation = nn.ModuleDict({"predictions": predictions}), ACT2FN[config.hidden_act]
        if self.has("next_sentence"):
            self.cls["seq_relationship"] = nn.Linear(width, 2)

    def logits(self, outputs):
        predictions = self.cls["predictions"]
        transform = predictions["transform"]
        x = self.activation(transform["dense"](outputs.last_hidden_state))
        y = predictions["decoder"](transform["LayerNorm"](x))
        return y if self.has("decoder_bias") else y + predictions.bias

    def loss(self, logits, labels):
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


class Classifier(Head):
    """The logits of each row's classes, or one value for each row."""

    output = SequenceClassifierOutput

    def add_head(self, config):
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def logits(self, outputs):
        pooled = outputs.pooler_output
        return self.classifier(outputs.last_hidden_state[:, 0] if pooled is None else pooled)

    def loss(self, logits, labels):
        if logits.shape[-1] == 1:
            return F.mse_loss(logits.flatten(), labels.flatten().float())
        return F.cross_entropy(logits, labels)


class LastTokenClassifier(Classifier):
    """A decoder's: it reads each row's last token that is no padding."""

    def add_head(self, config):
        self.score = nn.Linear(config.hidden_size, config.num_labels, bias=False)

    def forward(self, input_ids=None, attention_mask=None, inputs_embeds=None, labels=None, **inputs):
        outputs = self.base_model(input_ids, attention_mask, None, inputs_embeds, **{**inputs, "use_cache": False})
        x, padding = outputs.last_hidden_state, self.config.pad_token_id
        if padding is None and len(x) != 1:
            raise ValueError("expected a pad_token_id for a batch of several rows, found none")
        last = torch.full((len(x),), x.shape[1] - 1, device=x.device)
        if padding is not None and input_ids is not None:
            last = (torch.arange(x.shape[1], device=x.device) * (input_ids != padding)).argmax(-1)
        logits = self.score(x[torch.arange(len(x), device=x.device), last])
        loss = None if labels is None else self.loss(logits.float(), labels.to(logits.device))
        kept = {key: outputs[key] for key in ("hidden_states",) if key in outputs}
        return self.output(loss=loss, logits=logits, **kept)


# The architectures


class HedgehogGPT2Config(GPT2Config):
    model_type = "hedgehog_gpt2"
    attribute_map = {
        **GPT2Config.attribute_map, "hidden_act": "activation_function", "intermediate_size": "n_inner",
        "layer_norm_eps": "layer_norm_epsilon"}


class HedgehogGPT2Model(Backbone):
    config_class, base_model_prefix = HedgehogGPT2Config, "transformer"
    family = Family(
        causal=True, linear=lambda inputs, outputs, bias: Conv1D(outputs, inputs),
        names={"embedding.token": "wte", "embedding.position": "wpe", "layers": "h", "finalNorm": "ln_f"},
        layer={
            "attentionNorm": "ln_1", "attention": "attn", "attention.qkv": "attn.c_attn",
            "attention.output": "attn.c_proj", "mlpNorm": "ln_2", "mlp.up": "mlp.c_fc", "mlp.down": "mlp.c_proj"})


class HedgehogGPT2LMHeadModel(CausalLM, backbone=HedgehogGPT2Model):
    pass


class HedgehogLlamaConfig(LlamaConfig):
    model_type = "hedgehog_llama"
    attribute_map = {**LlamaConfig.attribute_map, "layer_norm_eps": "rms_norm_eps"}


class HedgehogLlamaModel(Backbone):
    config_class, base_model_prefix = HedgehogLlamaConfig, "model"
    family = Family(
        causal=True, rotary=True, norm=RMSNorm,
        names={"embedding.token": "embed_tokens", "layers": "layers", "finalNorm": "norm"},
        layer={
            "attentionNorm": "input_layernorm", "attention": "self_attn", "attention.query": "self_attn.q_proj",
            "attention.key": "self_attn.k_proj", "attention.value": "self_attn.v_proj",
            "attention.output": "self_attn.o_proj", "mlpNorm": "post_attention_layernorm",
            "mlp.gate": "mlp.gate_proj", "mlp.up": "mlp.up_proj", "mlp.down": "mlp.down_proj"})


class HedgehogLlamaForCausalLM(CausalLM, backbone=HedgehogLlamaModel):
    pass


class HedgehogLlamaForSequenceClassification(LastTokenClassifier, backbone=HedgehogLlamaModel):
    pass


class HedgehogBertConfig(BertConfig):
    model_type = "hedgehog_bert"


class HedgehogBertModel(Backbone):
    config_class, base_model_prefix = HedgehogBertConfig, "bert"
    family = Family(
        post_norm=True,
        names={
            "embedding.token": "embeddings.word_embeddings", "embedding.position": "embeddings.position_embeddings",
            "embedding.tokenType": "embeddings.token_type_embeddings", "embedding.norm": "embeddings.LayerNorm",
            "layers": "encoder.layer", "pooler": "pooler.dense"},
        layer={
            "attention": "attention.self", "attention.query": "attention.self.query",
            "attention.key": "attention.self.key", "attention.value": "attention.self.value",
            "attention.output": "attention.output.dense", "attentionNorm": "attention.output.LayerNorm",
            "mlp.up": "intermediate.dense", "mlp.down": "output.dense", "mlpNorm": "output.LayerNorm"})


class HedgehogBertForMaskedLM(MaskedLM, backbone=HedgehogBertModel):
    pass


class HedgehogBertForSequenceClassification(Classifier, backbone=HedgehogBertModel):
    pass


class HedgehogViTConfig(ViTConfig):
    model_type = "hedgehog_vit"


class HedgehogViTModel(Backbone):
    config_class, base_model_prefix, main_input_name = HedgehogViTConfig, "vit", "pixel_values"
    family = Family(
        names={"embedding.patch": "embeddings", "layers": "encoder.layer", "finalNorm": "layernorm",
               "pooler": "pooler.dense"},
        layer={
            "attentionNorm": "layernorm_before", "attention": "attention.attention",
            "attention.query": "attention.attention.query", "attention.key": "attention.attention.key",
            "attention.value": "attention.attention.value", "attention.output": "attention.output.dense",
            "mlpNorm": "layernorm_after", "mlp.up": "intermediate.dense", "mlp.down": "output.dense"})

    def forward(self, pixel_values, *inputs, **options):
        return super().forward(pixel_values, *inputs, **options)


class HedgehogViTForImageClassification(Classifier, backbone=HedgehogViTModel):
    output = ImageClassifierOutput

    def forward(self, pixel_values, labels=None, **options):
        return super().forward(pixel_values, labels=labels, **options)
