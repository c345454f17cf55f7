"""A trained run of utterances that predicts new ones; needs no corpus."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
import inspect
import os
import sys
from typing import Any

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.corpora.builders import text_inputs
from affect_jax.corpora.builders import utterances
from affect_jax.errors import UserError
from affect_jax.evaluation import predict as predict_lib
from affect_jax.predict.spoken import batches as batches_lib
from affect_jax.predict.spoken import columns as columns_lib
from affect_jax.predict.spoken import predictions as predictions_lib
from affect_jax.predict.spoken import segment
from affect_jax.predict.spoken import table_rows
from affect_jax.predict.spoken import text as text_lib
from affect_jax.run import feature_spaces
from affect_jax.run import folder as run_folder
from affect_jax.run import hub
from affect_jax.run import progress as progress_lib
from affect_jax.run import signature as signature_lib
from affect_jax.training import checkpoint
from affect_jax.training import parallel as parallel_lib


class UtterancePredictor:
  """Predicts utterances as the run's own evaluation does.

  Attributes:
    workdir: The run's folder.
    trained: Its model, tasks and signature.
    corpus: The corpus of the run whose features new utterances have.
    options: Those of the corpus in the run's config: its reader's, max_steps.
    layout: How utterances are read.
    made: How text was made.
    computed: {modality: what of this package computed its features}; None of
      runs that are older than this note.
    columns: Of the table, with thresholds.
  """

  def __init__(
    self,
    workdir: str | os.PathLike[str],
    step: int | None = None,
    *,
    corpus: str = '',
    threshold: float | str = 'tuned',
    text_model: str = '',
  ):
    """Reads a run.

    Args:
      workdir: Its folder, or that of a published model, or its name on the
        Hub, see `hub.local`.
      step: Step of a checkpoint; None: the best one, or the latest if there
        was no validation.
      corpus: Which of the run's corpora new utterances are like: how their text
        is made, and their thresholds; '': any, where all are alike.
      threshold: Of what is there or not, in [0, 1]; 'tuned': those that the
        run tuned on validation.
      text_model: Where the text model or the word vectors are now; '': where
        they were when the run was trained.

    Raises:
      FileNotFoundError: There is no checkpoint.
      UserError: The run did not learn from utterances, or the corpus is unknown
        or must be named.
    """
    self.workdir = user_path.expand(hub.local(os.fspath(workdir)))
    self.trained = signature_lib.load(str(self.workdir), step)
    signature = self.trained.signature
    if signature.kind != 'utterances':
      raise UserError(f'{workdir} learned from {signature.kind}.')
    inputs = signature.inputs
    self.corpus = corpus_of(self.trained.signature, corpus)
    config = run_folder.read_json(str(self.workdir / 'config.json')) or {}
    with signature_lib.damage_named(str(self.workdir), and_config=True):
      self.options = _options(config, self.corpus)
      self.made = dict(inputs.get('text', {}).get(self.corpus, {}))
      computed = inputs.get('computed')
      self.computed = (
        None if computed is None else computed.get(self.corpus, {})
      )
      self.layout = _layout(signature, self.corpus, self.options)
    self._text_model = text_model
    self.columns = columns_lib.Columns(
      self.trained.tasks,
      columns_lib.thresholds(self.trained, corpus, _fixed(threshold)),
    )
    self._parallel = parallel_lib.build()
    self._apply = predict_lib.make_predict(
      self.trained.model, self.trained.tasks, self._parallel
    )

  @functools.cached_property
  def text(self) -> text_inputs.TextInputs | None:
    """How text is made; None if the run reads none."""
    if 'text' not in self.layout.dims:
      return None
    return text_lib.build(self.made, self.layout.own['text'], self._text_model)

  @property
  def reader(self) -> str:
    """The reader of the run's corpus, one of `corpora.CORPORA`; '' unknown."""
    return self.options.get('corpus', '')

  def describe(self) -> dict[str, Any]:
    """Returns what tells this model and its inputs from others, as JSON."""
    signature = self.trained.signature
    layout = self.layout
    return {
      'run': str(self.workdir),
      'checkpoint_step': self.trained.step,
      'weights_sha256': checkpoint.digest(self.trained.variables),
      'tasks': self.columns.outputs,
      'preprocessing': {
        **signature.inputs,
        'corpus': self.corpus,
        'max_steps': layout.max_steps,
        'without_features': layout.without,
      },
      'model': signature.model,
      'packages': signature.packages,
    }

  def predict(
    self, table: Any, batch_size: int = 32
  ) -> predictions_lib.Predictions:
    """Predicts the utterances of a table.

    Args:
      table: Path of a CSV, a list of {column: cell}, or a frame of pandas; its
        columns are those of `corpora.utterances_csv`, labels are not read.
        Paths in a CSV are relative to it, others to the current folder.
      batch_size: Utterances, or dialogues, at a time.

    Raises:
      UserError: The table is wrong; the message says where.
    """
    source = table_rows.source(table, self.layout, self.made)
    rows = self.rows(source, batch_size)
    return predictions_lib.Predictions(
      self.columns, [self.columns.row(row) for row in rows]
    )

  def rows(
    self, source: segment.Source, batch_size: int = 32
  ) -> list[segment.Row]:
    """Predicts segments, and returns a row for each, by place; see `parts`."""
    rows = [row for part in self.parts(source, batch_size) for row in part]
    return sorted(rows, key=lambda row: row.segment.place)

  def parts(
    self,
    source: segment.Source,
    batch_size: int = 32,
    *,
    done: int = 0,
    received: Sequence[int] = (),
  ) -> Iterator[list[segment.Row]]:
    """Predicts segments, and yields their rows in the order of the source.

    Args:
      source: The segments.
      batch_size: Utterances at a time, or windows of dialogues; those of a
        dialogue are yielded together then.
      done: How many of the first segments are passed over: as many as there
        were rows in a number of whole parts.
      received: Signals so far: after one, a part that is not whole is dropped.

    Raises:
      UserError: The text model is not there, or features are wrong.
      errors.Diverged: A prediction is not finite.
    """
    if source.count and done >= source.count:
      return
    progress = progress_lib.make(max(0, source.count - done), 'utterances')
    # Rows that are not yielded yet, and the order of the source.
    told: dict[int, segment.Row] = {}
    order: dict[int, int] = {}

    def tell(part: segment.Segment, used: Sequence[str], reason: str) -> None:
      told[part.place] = segment.Row(part, used, reason, None)

    def segments(bare: int) -> Iterator[segment.Segment]:
      for number, item in enumerate(source.read(bare)):
        if received:
          return
        order[item.place] = number
        yield item

    # Each number of rows is a program of its own; a small table needs few.
    few = 1 << max(0, source.count - 1).bit_length()
    size = min(batch_size, few) if source.count else batch_size
    size += -size % self._parallel.num_devices
    text = self.text
    if text and text.kind == 'words':
      all_of = map(batches_lib.said, segments(sys.maxsize))
      text = text_lib.at_once(text, (x for x in all_of if x))
    found = batches_lib.pairs(segments(done), self.layout, text, tell, done)

    def taken(last: float) -> list[segment.Row]:
      places = sorted(
        (place for place in told if order[place] <= last), key=order.__getitem__
      )
      progress(len(places))
      return [told.pop(place) for place in places]

    # About a batch: dialogues have a window for each `hop` utterances.
    count = size * (self.layout.hop if self.layout.window else 1)
    for group in batches_lib.together(found, count, self.layout.window > 0):
      if received:
        return
      rows = predict_lib.predict_split(
        self._apply,
        self.trained.variables,
        batches_lib.batches(group, self.layout, size),
        self._parallel,
      )
      for i, place in enumerate(map(int, rows['id'])):
        predictions = {task: x[i] for task, x in rows['predictions'].items()}
        told[place] = dataclasses.replace(told[place], predictions=predictions)
      yield taken(order[int(group[-1][0].id)])
    if told and not received:
      yield taken(float('inf'))


def corpus_of(signature: signature_lib.Signature, corpus: str) -> str:
  """Returns the corpus of a run that new utterances are like.

  Raises:
    UserError: It is unknown, or corpora of the run differ and none is named.
  """
  inputs = signature.inputs
  known = list(inputs.get('text') or signature.data)
  if corpus:
    by_name.check('--corpus', corpus, known, of='this run')
    return corpus
  first = known[0] if known else ''
  spaces = inputs.get('spaces', {})
  different = any(
    feature_spaces.numbers(spaces, name)
    != feature_spaces.numbers(spaces, first)
    or inputs.get('text', {}).get(name) != inputs.get('text', {}).get(first)
    for name in known
  )
  if different:
    raise UserError(
      f'This run learned from {", ".join(known)}, whose text or features '
      'differ: say by --corpus=NAME which of them the inputs are like.'
    )
  return first


def _options(config: Mapping[str, Any], corpus: str) -> dict[str, Any]:
  """Returns the options of a corpus in config.json; {} if they are unknown."""
  data = config.get('data', {})
  if several := data.get('corpora'):
    return {'corpus': corpus, **several.get(corpus, {})}
  return {k: v for k, v in data.items() if k != 'corpora'}


def _layout(
  signature: signature_lib.Signature, corpus: str, options: Mapping[str, Any]
) -> batches_lib.Layout:
  inputs = signature.inputs
  spaces = inputs.get('spaces', {})
  numbers = feature_spaces.numbers(spaces, corpus)
  own = dict(inputs['dims'])
  for modality, of in spaces.items():
    own[modality] = [*of.values()][numbers[modality]]['dim']
  window = int(inputs['window'])
  default = inspect.signature(utterances.UtteranceCorpus).parameters
  return batches_lib.Layout(
    dims=inputs['dims'],
    own=own,
    spaces=numbers,
    without=options.get('without_features') or {},
    max_steps=int(options.get('max_steps', default['max_steps'].default)),
    window=window,
    hop=int(options.get('eval_hop') or max(1, window // 2)),
    boundaries=inputs['boundaries'],
    together=inputs['together'],
  )


def _fixed(threshold: float | str) -> float | None:
  """Returns a threshold; None: those tuned on validation.

  Raises:
    UserError: It is not in [0, 1].
  """
  if threshold == 'tuned':
    return None
  try:
    number = float(threshold)
  except ValueError:
    number = float('nan')
  if not 0 <= number <= 1:
    raise UserError(f"--threshold={threshold} must be in [0, 1], or 'tuned'.")
  return number
