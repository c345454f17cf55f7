"""What both sides of run.py do: a work, as often as they are asked to."""

import json
import resource
import sys
import time


def serve(make_function):
  """Does a work as often as each line of standard input says.

  Answers each with a line: the seconds of each time, and the peak memory so
  far. The first line, sent unasked, is the seconds that the first time took,
  with compiling.
  """
  work = json.loads(sys.argv[1])
  function = make_function(work)
  start = time.perf_counter()
  function()
  print(time.perf_counter() - start, flush=True)
  for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
      start = time.perf_counter()
      function()
      seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(json.dumps({'seconds': seconds, 'peak_mb': peak}), flush=True)
