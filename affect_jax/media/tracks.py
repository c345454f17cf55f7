"""Gives faces of a video the same number from frame to frame."""

from collections.abc import Sequence

from scipy import optimize

from affect_jax.media import box as box_lib

# Two boxes that overlap less are two people, or one who moved far.
MIN_OVERLAP = 0.3
# A face that is gone for no more frames than these keeps its number.
PATIENCE = 30


class Tracks:
  """Follows the faces of one input by the overlap of their boxes.

  It knows nothing but boxes: a person who comes back later, or whom a cut moves
  elsewhere, gets a new number, and two people who change places within one
  frame may change numbers.
  """

  def __init__(self, patience: int = PATIENCE):
    self._next, self._patience = 0, patience
    # {number: (last frame, last box)} of faces that were seen of late.
    self._live: dict[int, tuple[int, box_lib.Box]] = {}

  def update(self, index: int, boxes: Sequence[box_lib.Box]) -> list[int]:
    """Returns the numbers of the faces of the next frame, in their order.

    Numbers count from 0. The pairs of old and new boxes are those with the
    largest sum of overlaps (intersection over union); pairs below MIN_OVERLAP
    are no pairs. New faces are numbered from left to right. The result does not
    depend on the order of boxes.

    Args:
      index: Number of the frame, above that of the call before.
      boxes: Its faces.
    """
    self._live = {
      k: seen
      for k, seen in self._live.items()
      if index - seen[0] <= self._patience
    }
    order = sorted(range(len(boxes)), key=lambda i: boxes[i])
    known = sorted(self._live)
    pairs = {}
    if known and boxes:
      overlaps = box_lib.overlaps(
        [boxes[i] for i in order], [self._live[k][1] for k in known]
      )
      rows, columns = optimize.linear_sum_assignment(overlaps, maximize=True)
      pairs = {
        order[r]: known[c]
        for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
        if overlaps[r, c] >= MIN_OVERLAP
      }
    for i in order:
      if i not in pairs:
        pairs[i] = self._next
        self._next += 1
      self._live[pairs[i]] = (index, boxes[i])
    return [pairs[i] for i in range(len(boxes))]
