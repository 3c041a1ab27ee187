"""The micro world's tokenizers and untrained model, in the usual Hugging Face format.

The model is a LLaMA whose attention is initialised as an induction circuit: in layer 0 two heads attend to the previous
token; in layer 1 two heads attend to the position whose previous token equals the current one, and copy its token. All
weights are then trained. A model of this size does not learn that circuit within minutes on a CPU (docs/choices.md).
"""

import math
import random
import re

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, WordLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.models.llama.modeling_llama import LlamaAttention

from reset.micro import words
from reset.micro.facts import RELATIONS
from reset.micro.grounded import INSTRUCTIONS
from reset.micro.instructions import instruction
from reset.model.prompts import TEMPLATES

SPECIAL = ["<pad>", "<bos>", "<eos>", "<unk>", "<sep>"]
PIECE = r" ?\w+| ?[^\w\s]+"  # a word or punctuation, with the space before it


def vocabulary() -> list[str]:
    """Return every piece that occurs in the world's texts, sorted; a space belongs to the piece after it."""
    texts = [template.text.format(instruction="", input="") for template in (TEMPLATES["micro"],)]
    texts += ["Passage: Question: Response:", *words.FILLERS, *INSTRUCTIONS.values(), *words.ADJECTIVES, *words.NUMBERS]
    for group in (*words.NOUNS.values(), *words.LISTS.values(), *words.ENTITIES.values(), list(words.LISTS)):
        texts += group
    for relation in RELATIONS.values():
        texts += [relation.state("mira", ("red", "boat"), way) for way in (0, 1)]
        texts += [relation.question("mira"), relation.clue(("red", "boat"))]
    rng = random.Random(0)  # nosec B311: draws to repeat
    for number in range(6_000):
        drawn = instruction(rng, 0.0, way=number % 2, large=number % 4 > 1)
        texts += [drawn["instruction"], drawn["response"]]
    return sorted({piece for text in texts for piece in re.findall(PIECE, " " + text)})


def word_tokenizer(max_tokens: int) -> PreTrainedTokenizerFast:
    """Return a word-level tokenizer over `vocabulary`; decoding restores the spaces."""
    ids = {piece: number for number, piece in enumerate(SPECIAL + vocabulary())}
    tokenizer = Tokenizer(WordLevel(ids, unk_token="<unk>"))  # nosec B106: a token's text
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(Regex(r"\s+"), " "), normalizers.Prepend(" ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECE), behavior="isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return _to_transformers(tokenizer, max_tokens)


def byte_tokenizer(max_tokens: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer of the 256 bytes, for training a model of the micro size on real text of any language."""
    ids = {piece: number for number, piece in enumerate(SPECIAL + sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(BPE(ids, [], unk_token="<unk>"))  # nosec B106: a token's text
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return _to_transformers(tokenizer, max_tokens)


def _to_transformers(tokenizer: Tokenizer, max_tokens: int) -> PreTrainedTokenizerFast:
    special_tokens = [(name, SPECIAL.index(name)) for name in ("<bos>", "<sep>", "<eos>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <sep> $B <eos>", special_tokens=special_tokens
    )
    fast: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="<pad>",  # nosec B106: a token's text
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        sep_token="<sep>",
        model_max_length=max_tokens,
        clean_up_tokenization_spaces=False,
    )
    return fast


def language_model(
    tokenizer: PreTrainedTokenizerFast, *, layers: int, width: int, heads: int, max_tokens: int, seed: int
) -> LlamaForCausalLM:
    """Return an untrained LLaMA with an induction circuit; about 0.7 M parameters at 3 layers of width 128."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(  # type: ignore[no-untyped-call]
            LlamaConfig(
                vocab_size=math.ceil(len(tokenizer) / 8) * 8,
                hidden_size=width,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                num_key_value_heads=heads,
                intermediate_size=width * 8 // 3 // 32 * 32,
                max_position_embeddings=max_tokens,
                tie_word_embeddings=True,
                attention_bias=True,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
                initializer_range=0.02,
            )
        )
        with torch.no_grad():
            model.model.embed_tokens.weight.normal_(0, 0.12)
            _init_induction_circuit(model)
    return model


def _orthogonal_rows(rows: int, width: int) -> torch.Tensor:
    orthogonal: torch.Tensor = torch.linalg.qr(torch.randn(width, width))[0]
    return orthogonal[:rows]  # (rows, width)


def _init_induction_circuit(model: LlamaForCausalLM, *, pairs: int = 2) -> None:
    """Set the attention weights of layers 0 and 1 to an induction circuit with `pairs` pairs of heads."""
    width = model.config.hidden_size
    size = width // model.config.num_attention_heads
    frequencies = model.model.rotary_emb.inv_freq  # (size / 2,)
    slow = [i for i in range(size // 2) if frequencies[i] < 0.03]  # rotate too slowly to tell positions apart
    rows = slow + [i + size // 2 for i in slow]
    previous, matching = model.model.layers[0].self_attn, model.model.layers[1].self_attn
    for head in range(pairs):
        part = slice(head * size, (head + 1) * size)
        query, written, copied = (_orthogonal_rows(size, width) for _ in range(3))
        _attend_to_previous(previous, part, frequencies)
        previous.v_proj.weight[part], previous.o_proj.weight[:, part] = query, written.T * 0.25
        keys, queries = torch.zeros(size, width), torch.zeros(size, width)
        queries[rows], keys[rows] = query[: len(rows)] * 3.0, written[: len(rows)] * 3.0
        noise = 0.02 * torch.randn(2, size, width)
        matching.q_proj.weight[part], matching.k_proj.weight[part] = queries + noise[0], keys + noise[1]
        matching.v_proj.weight[part], matching.o_proj.weight[:, part] = copied, copied.T * 0.6


def _attend_to_previous(
    attention: LlamaAttention, part: slice, frequencies: torch.Tensor, *, strength: float = 7.0
) -> None:
    """Make a head attend to the previous token.

    Query and key get constant biases at the fast rotary frequencies; those of the query are rotated by one position.
    """
    half = len(frequencies)
    attention.q_proj.weight[part] *= 0.1
    attention.k_proj.weight[part] *= 0.1
    for i in range(half):
        if frequencies[i] > 0.1:
            turn = -frequencies[i]
            attention.k_proj.bias[part.start + i] = strength
            attention.q_proj.bias[part.start + i] = strength * torch.cos(turn)
            attention.q_proj.bias[part.start + i + half] = strength * torch.sin(turn)
