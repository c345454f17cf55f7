"""The compiled functions of a run, which its other seeds can use again."""

from collections.abc import Callable
import dataclasses
from typing import Any

from affect_jax.evaluation import predict as predict_lib
from affect_jax.run import build
from affect_jax.run import tasks as run_tasks
from affect_jax.training import lanes as lanes_lib
from affect_jax.training import train_step


@dataclasses.dataclass(frozen=True)
class Program:
  """A run and its compiled functions, which other seeds can use again.

  Attributes:
    run: What the config describes.
    lanes: How many runs are updated at once.
    init: Random key -> fresh state.
    step: See `train_step.make_train_step`.
    report: See `train_step.make_gradient_report`; None if it is not wanted.
    predict: See `predict.make_predict`.
  """

  run: build.Run
  lanes: lanes_lib.Lanes
  init: Callable
  step: Callable
  report: Callable | None
  predict: Callable


def compile_program(config: Any, run: build.Run, number: int = 1) -> Program:
  """Returns the program of a run; each function compiles when it is called.

  Args:
    config: See `configs/`.
    run: What it describes.
    number: Of runs with different seeds that step and report update at once.
  """
  lanes = lanes_lib.Lanes(run.parallel, number)
  of_losses: dict[str, Any] = {
    'loss_weights': run_tasks.loss_weights(config, run.tasks),
    'auxiliary_losses': run.samples.auxiliary_losses,
    'on_line': run.on_line,
    'accumulate': config.accumulate,
    'frozen': run.frozen,
    'mixing': build.mixing(config),
    'windows': run.samples.window > 0,
    'axis_name': run.parallel.axis_name,
  }
  step = train_step.make_train_step(
    run.model,
    run.tasks,
    run.tx,
    balancing=run.balancing,
    ema_decay=config.ema_decay,
    **of_losses,
  )
  report = None
  # Methods that read gradients report them with each step.
  wanted = config.log_gradients and not run.balancing.reads_gradients
  if wanted and len(run.tasks) > 1:
    report = train_step.make_gradient_report(run.model, run.tasks, **of_losses)
  return Program(
    run=run,
    lanes=lanes,
    init=build.make_init(run, config),
    step=lanes.compile_step(step),
    report=lanes.compile_report(report) if report else None,
    predict=make_predict(run),
  )


def make_predict(run: build.Run) -> Callable:
  """Compiles a run's predictions, see `predict.make_predict`."""
  return predict_lib.make_predict(
    run.eval_model,
    run.tasks,
    run.parallel,
    views=run.samples.views,
    crop_size=run.samples.crop_size,
  )
