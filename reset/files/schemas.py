"""Columns of the tables that pass from stage to stage; tables are joined by id."""

import pyarrow as pa

SPLITS = ("train", "dev", "test")
GOLD = "gold"  # decode setting and finish reason of an answer that is the prompt's own reference

_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())


def _schema(**columns: pa.DataType) -> pa.Schema:
    """A schema of columns that may not be null."""
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


def _nullable(**columns: pa.DataType) -> list[pa.Field]:
    """Columns that may be null."""
    return [pa.field(name, kind) for name, kind in columns.items()]


EXAMPLES = pa.schema(
    [
        *_schema(
            example_id=_TEXT,  # dataset/split/id, where id is the source's own or a hash of the content
            dataset=_TEXT,  # its row of `datasets`
            split=_TEXT,  # train | dev | test
            task=_TEXT,  # instruction | extractive_qa | abstractive_qa | summarization
            instruction=_TEXT,  # what is to be done
            question=_TEXT,  # "" for instructions and summaries
            passages=_TEXTS,  # empty for instructions; one text for summaries
            references=_TEXTS,  # the first is the training target; empty where the source has none
        ),
        *_nullable(checks=_TEXT),  # JSON: constraints of the micro world, instructions of IFEval, {"answerable": false}
    ]
)

# training rows to drop
SCREENED = _schema(
    example_id=_TEXT,  # the training row
    reason=_TEXT,  # why it is left out
    test_id=_TEXT,  # the test example that it repeats, "" if it repeats a training row
)

MIXTURES = _schema(
    example_id=_TEXT,  # as in EXAMPLES
    repeat=pa.int32(),  # 0 for the first copy, 1.. for up-sampled ones
    dataset=_TEXT,  # its row of `datasets`
    task=_TEXT,  # as in EXAMPLES
    prompt=_TEXT,  # in the template, without the tokens of a chat
    context_start=pa.int32(),  # characters [start, end) of the prompt are the context, whose end may be cut
    context_end=pa.int32(),  # see context_start
    response=_TEXT,  # the training target
)

CURATED = pa.schema(
    [
        *MIXTURES,
        *_schema(
            answer_id=_TEXT,  # of the answer that was kept
            setting=_TEXT,  # decode setting that it was sampled with, or "gold"
            sweep=pa.int32(),  # from 0
            score=pa.float64(),  # of all objectives together (paper 5.1)
            candidates=pa.int32(),  # answers to the prompt that competed
        ),
        *_schema(objectives=pa.map_(_TEXT, pa.float64())),  # objective -> value, of those that have one
        *_nullable(margin=pa.float64()),  # score above the best answer with another text; null if there is none
    ]
)

# PAIRS, LABELLED and WEIGHTED rows: `response` is the chosen answer of a pair, or the labelled or weighted answer;
# `repeat` numbers the rows of a prompt.
PAIRS = pa.schema(
    [
        *CURATED,  # of the chosen answer
        *_schema(
            rejected=_TEXT,  # the worst answer
            rejected_answer_id=_TEXT,  # its id
            rejected_setting=_TEXT,  # its decode setting
            rejected_sweep=pa.int32(),  # its sweep
            rejected_score=pa.float64(),  # its score
        ),
    ]
)

LABELLED = pa.schema([*CURATED, *_schema(desirable=pa.bool_())])  # whether the answer is well above its prompt's mean

WEIGHTED = pa.schema([*CURATED, *_schema(weight=pa.float64())])  # in (0, 1]; the weights of a prompt sum to 1

# curated rows with a `mask` have one more column
UNTRAINED = _schema(
    untrained=pa.list_(pa.list_(pa.int32())),  # [start, end) of the characters of `response` that are not trained
)

ANSWERS = pa.schema(
    [
        *_schema(
            answer_id=_TEXT,  # example_id|setting|sweep
            example_id=_TEXT,  # the prompt that it answers
            dataset=_TEXT,  # its row of `datasets`
            task=_TEXT,  # as in EXAMPLES
            system=_TEXT,  # the model that answered
            setting=_TEXT,  # decode setting; "gold": the prompt's reference, which no model sampled
            sweep=pa.int32(),  # from 0
            temperature=pa.float64(),  # 0 = greedy
            top_k=pa.int32(),  # 0 = off
            seed=pa.int64(),  # of this answer alone
            text=_TEXT,  # the answer
            tokens=pa.int32(),  # generated tokens, including the end token; of a reference those that training reads
            finish_reason=_TEXT,  # stop | length | gold | error: ...
        ),
        *_nullable(mean_logprob=pa.float64()),  # natural log, mean over generated tokens
    ]
)

VERDICTS = pa.schema(
    [
        *_schema(
            answer_id=_TEXT,  # example_id|setting|sweep
            name=_TEXT,  # of the verdict
        ),
        *_nullable(
            score=pa.float64(),  # in [0, 1]; null if the judge cannot tell
            reason=_TEXT,  # why the score is null, or as it is
            detail=_TEXT,  # JSON, what the report shows as evidence
        ),
    ]
)


def is_gold(answer_id: str) -> bool:
    """Whether an answer is the reference of its prompt, by its id `example_id|setting|sweep`."""
    return answer_id.rpartition("|")[0].endswith(f"|{GOLD}")
