import pytest
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE, WordLevel
from transformers import PreTrainedTokenizerFast

from reset.errors import ResetError
from reset.model.prompts import Prompt, render
from reset.model.tokens import AS_TEXT, answer_text, in_front, load_tokenizer, prompt_ids, response_ids
from tests.support.families import FAMILIES

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
EXAMPLE = {"instruction": "Answer it .", "question": "Who is it ?", "passages": ["one two three", "four five six"]}


def fast(tokenizer, **special):
    """Like LLaMA's: it would put a BOS in front by itself."""
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)


def words(**special):
    texts = [
        "### Instruction: Input: Response: Passage: Question:",
        *EXAMPLE["passages"],
        "Answer it . Who is ? < s > / seven",
    ]
    known = [*SPECIAL.values(), *sorted({word for text in texts for word in text.replace(":", " :").split()})]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(known)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+|#+|[^\w\s]|\s+"), behavior="isolated")
    return fast(tokenizer, **{**SPECIAL, **special})


def letters():
    known = [*SPECIAL.values(), *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(BPE({piece: number for number, piece in enumerate(known)}, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return fast(tokenizer, **SPECIAL)


def test_a_prompt_has_one_bos_in_front():
    ids, cut = prompt_ids(words(), render(EXAMPLE, "micro"), 500)
    assert ids[0] == 0 and ids.count(0) == 1 and not cut


@pytest.mark.parametrize(
    ("name", "front"),
    [
        ("gpt_2", []),  # its BOS is its end token, and it puts none in front
        ("smollm_2", []),
        ("qwen_3", []),  # it has no BOS
        ("opt", ["</s>"]),  # its end token is its BOS, and stands in front
        ("llama_2", ["<s>"]),
        ("gemma_3", ["<bos>"]),
    ],
)
def test_in_front_of_a_prompt_stands_what_the_tokenizer_itself_puts_there(name, front):
    tokenizer = FAMILIES[name].tokenizer()
    assert tokenizer.convert_ids_to_tokens(list(in_front(tokenizer))) == front
    prompt = render(EXAMPLE, "alpaca")
    ids, _ = prompt_ids(tokenizer, prompt, 1000)
    assert ids == tokenizer(prompt.text)["input_ids"]


def test_an_end_that_a_tokenizer_puts_behind_a_text_is_not_in_a_prompt():
    tokenizer = words()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    ids, _ = prompt_ids(tokenizer, render(EXAMPLE, "micro"), 500)
    assert (ids[0], ids.count(0), ids.count(1)) == (0, 1, 0)


def test_special_tokens_that_stand_in_a_text_are_text():
    tokenizer = letters()
    ids, _ = prompt_ids(tokenizer, Prompt("a <s> b </s>", 2, 5), 500)
    assert ids.count(0) == 1 and 1 not in ids
    assert response_ids(tokenizer, "yes </s> no").count(1) == 1


@pytest.mark.parametrize("template", ["micro", "alpaca", "vicuna"])
def test_an_overlong_prompt_is_cut_at_the_end_of_its_context_and_nowhere_else(template):
    tokenizer, prompt = letters(), render({**EXAMPLE, "passages": ["naïve words " * 30]}, template)
    full, _ = prompt_ids(tokenizer, prompt, 10_000)
    for most in (len(full) - 1, len(full) - 100, len(full) - 250):
        ids, cut = prompt_ids(tokenizer, prompt, most)
        text = answer_text(tokenizer, ids)
        assert cut and most - 1 <= len(ids) <= most  # a character may be two tokens
        assert text.startswith(prompt.text[: prompt.start]) and text.endswith(prompt.text[prompt.end :])
        context = text[prompt.start : len(text) - len(prompt.text) + prompt.end]
        assert prompt.text[prompt.start : prompt.end].startswith(context) and context


def test_a_prompt_that_fits_exactly_is_left_alone():
    tokenizer, prompt = words(), render(EXAMPLE, "micro")
    full, _ = prompt_ids(tokenizer, prompt, 500)
    assert prompt_ids(tokenizer, prompt, len(full)) == (full, False)
    ids, cut = prompt_ids(tokenizer, prompt, len(full) - 1)
    assert cut and len(ids) < len(full)


def test_a_prompt_that_does_not_fit_without_its_context_is_none():
    assert prompt_ids(words(), render(EXAMPLE, "micro"), 10) is None
    assert prompt_ids(words(), Prompt("one two three", 3, 3), 2) is None


def test_a_response_ends_in_one_end_token_and_has_no_bos():
    tokenizer = letters()
    ids = response_ids(tokenizer, "yes")
    assert ids[-1] == 1 and 0 not in ids and answer_text(tokenizer, ids) == "yes"


def test_a_saved_tokenizer_gives_the_same_ids(tmp_path):
    words().save_pretrained(tmp_path)
    prompt = render(EXAMPLE, "micro")
    assert prompt_ids(load_tokenizer(tmp_path), prompt, 500) == prompt_ids(words(), prompt, 500)


def test_a_folder_without_a_usable_tokenizer_is_told(tmp_path):
    with pytest.raises(ResetError, match="no tokenizer there"):
        load_tokenizer(tmp_path)
    words(eos_token=None).save_pretrained(tmp_path)
    with pytest.raises(ResetError, match="has no end token"):
        load_tokenizer(tmp_path)


def test_a_special_token_among_the_words_of_a_tokenizer_is_its_characters_in_a_text():
    whole = Tokenizer(WordLevel({word: number for number, word in enumerate(["<s>", "</s>", "<unk>", "red"])}, "<unk>"))
    whole.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = fast(whole, **SPECIAL)
    special = {tokenizer.bos_token_id, tokenizer.eos_token_id}
    assert special & set(tokenizer("</s>", **AS_TEXT)["input_ids"])  # splitting it is not enough here
    assert special.isdisjoint(response_ids(tokenizer, "red </s> <s>")[:-1])
    text = "red </s> forest"
    ids, _ = prompt_ids(tokenizer, Prompt(text, 0, len(text)), 50)
    assert special & set(ids[len(in_front(tokenizer)) :]) == set()
