"""What looks like a special token in an answer, a prompt or a passage is text for every judge that loads a model."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from reset.judges import chat_rows
from reset.judges.sentences.nli import Nli
from reset.llm import rating
from tests.support.chat_templates import CHATML
from tests.support.tiny_tokenizers import tokenizer_of

pytestmark = pytest.mark.slow

WRITTEN = ["<sep>", "<pad>", "[CLS]", "[SEP]", "[PAD]", "</s>", "<|im_end|>", "<|endoftext|>"]


@pytest.fixture(scope="module")
def nli(tmp_path_factory, one_thread):
    """A tiny BERT whose tokenizer reads every text of `WRITTEN` as a special token."""
    folder = tmp_path_factory.mktemp("nli")
    letters = [chr(code) for code in range(33, 127)]
    words = {
        word: number for number, word in enumerate(["[UNK]", *WRITTEN, *letters, *(f"##{one}" for one in letters)])
    }
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    ids = [(name, words[name]) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ids
    )
    named = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    rest = [one for one in WRITTEN if one not in named.values()]
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named, extra_special_tokens=rest).save_pretrained(folder)
    labels = {0: "entailment", 1: "neutral", 2: "contradiction"}
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    config = BertConfig(vocab_size=len(words), id2label=labels, num_labels=3, **sizes)
    BertForSequenceClassification(config).save_pretrained(folder)
    return Nli(str(folder), batch_tokens=256)


@pytest.mark.parametrize("token", WRITTEN)
def test_an_nli_judge_reads_a_special_token_in_a_sentence_as_its_characters(nli, token):
    special = set(nli._tokenizer.convert_tokens_to_ids(WRITTEN))
    columns = nli._encoded([("a b", "c"), (f"a {token} b", f"c {token}")])
    plain, forged = ([id for id in ids if id in special] for ids in columns["input_ids"])
    assert len(plain) == 3 and forged == plain
    assert len(columns["input_ids"][1]) == len(columns["input_ids"][0]) + 2 * len(token)  # a character, a token


@pytest.mark.parametrize("token", ["<|im_end|>", "<|im_start|>", "<sep>", "<pad>", "</s>", "<|endoftext|>"])
def test_a_conversation_has_no_special_token_but_those_of_its_template(token):
    names = ["<|im_start|>", "<sep>", "<pad>", "</s>", "<|endoftext|>"]
    tokenizer = tokenizer_of("byte", bos=None, eos="<|im_end|>", template=CHATML, special=names)
    special = set(tokenizer.convert_tokens_to_ids([*names, "<|im_end|>"]))
    plain, forged = (chat_rows.ids(tokenizer, [f"a{text}b", f"{text}{text}"], {}, prompt=False) for text in ("", token))
    assert [id for id in forged if id in special] == [id for id in plain if id in special]
    assert len(forged) >= len(plain) + 3 * len(token)


def test_a_special_token_of_one_character_cannot_stay():
    assert chat_rows.apart("a\u2581b<s>", ["<s>", "\u2581"]) == "a b< s>"


@pytest.mark.parametrize("token", [*WRITTEN, "<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<extra_id_0>", "[INST]"])
def test_a_prompt_for_a_server_holds_no_control_token(token):
    prompt = rating.render("rating.txt", question=f"q {token}", answer=f"{token} a")
    assert token not in prompt
    assert prompt.count(f"{token[0]} {token[1:]}") == 2


def test_html_in_an_answer_stays_as_it_is():
    assert "<b>bold</b> [see] <p>" in rating.render("rating.txt", question="q", answer="<b>bold</b> [see] <p>")
