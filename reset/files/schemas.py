"""Columns of the tables that pass from stage to stage; tables are joined by id."""

import pyarrow as pa

SPLITS = ("train", "dev", "test")

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
            dataset=_TEXT,
            split=_TEXT,
            task=_TEXT,
            instruction=_TEXT,
            question=_TEXT,  # "" for instructions and summaries
            passages=_TEXTS,  # empty for instructions; one text for summaries
            references=_TEXTS,  # the first is the training target; empty where the source has none
        ),
        *_nullable(checks=_TEXT),  # JSON of verifiable constraints; micro world only
    ]
)

# training rows to drop; `test_id` is the test example that the row repeats, "" if it repeats a training row
SCREENED = _schema(example_id=_TEXT, reason=_TEXT, test_id=_TEXT)

MIXTURES = _schema(
    example_id=_TEXT,
    repeat=pa.int32(),  # 0 for the first copy, 1.. for up-sampled ones
    dataset=_TEXT,
    task=_TEXT,
    prompt=_TEXT,
    context_start=pa.int32(),  # characters [start, end) of the prompt are the context, whose end may be cut
    context_end=pa.int32(),
    response=_TEXT,
)

CURATED = pa.schema(
    [
        *MIXTURES,
        *_schema(answer_id=_TEXT, setting=_TEXT, sweep=pa.int32(), score=pa.float64(), candidates=pa.int32()),
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
            rejected=_TEXT,
            rejected_answer_id=_TEXT,
            rejected_setting=_TEXT,
            rejected_sweep=pa.int32(),
            rejected_score=pa.float64(),
        ),
    ]
)

LABELLED = pa.schema([*CURATED, *_schema(desirable=pa.bool_())])

WEIGHTED = pa.schema([*CURATED, *_schema(weight=pa.float64())])  # in (0, 1]; the weights of a prompt sum to 1

ANSWERS = pa.schema(
    [
        *_schema(
            answer_id=_TEXT,  # example_id|setting|sweep
            example_id=_TEXT,
            dataset=_TEXT,
            task=_TEXT,
            system=_TEXT,
            setting=_TEXT,
            sweep=pa.int32(),
            temperature=pa.float64(),
            top_k=pa.int32(),  # 0 = off
            seed=pa.int64(),
            text=_TEXT,
            tokens=pa.int32(),  # generated tokens, including the end token
            finish_reason=_TEXT,  # stop | length | error: ...
        ),
        *_nullable(mean_logprob=pa.float64()),  # natural log, mean over generated tokens
    ]
)

VERDICTS = pa.schema(
    [
        *_schema(answer_id=_TEXT, name=_TEXT),
        *_nullable(score=pa.float64(), reason=_TEXT, detail=_TEXT),  # detail is JSON
    ]
)
