"""Tiny random models in MiniCheck's format."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    T5Config,
    T5ForConditionalGeneration,
)

WORDS = "0 1 predict : the a cat dog bird sat slept on mat roof all day . and it was warm".split()


def save(folder, kind, labels=2):
    torch.manual_seed(1)
    special = ["<pad>", "</s>", "<unk>", "<s>"]
    vocabulary = {word: number for number, word in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    start = "" if kind == "t5" else "<s> "
    ends = [("</s>", 1), ("<s>", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{start}$A </s>", special_tokens=ends)
    named = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(folder)
    if kind == "t5":
        size = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2, "initializer_factor": 1.5}
        config = T5Config(vocab_size=len(vocabulary), **size, decoder_start_token_id=0, eos_token_id=1)
        T5ForConditionalGeneration(config).save_pretrained(folder)
    else:
        size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        size |= {"max_position_embeddings": 66, "pad_token_id": 0, "initializer_range": 0.5, "num_labels": labels}
        RobertaForSequenceClassification(RobertaConfig(vocab_size=len(vocabulary), **size)).save_pretrained(folder)
    return str(folder)
