"""Opens a page in headless Chromium, and returns what it predicts."""

from http import server
import json
import shutil
import subprocess
import threading

import pytest

# It does what a user does: waits for the model, and chooses a file.
HARNESS = """<!doctype html><iframe id="page" src="index.html"></iframe>
<script>
const wait = (ready) => new Promise((done) => {
  const look = () => ready() ? done(ready()) : setTimeout(look, 50);
  look();
});
const page = () => document.getElementById('page').contentDocument;
const said = () => page()?.getElementById('state')?.textContent ?? '';
const answer = (x) =>
  fetch('answer', {method: 'POST', body: JSON.stringify(x)});
(async () => {
  await wait(() => said() && !said().startsWith('Loading'));
  if (said() !== 'Ready.') return answer({error: said()});
  const found = {};
  for (const name of NAMES) {
    const data = new DataTransfer(), input = page().getElementById('file');
    data.items.add(new File([await (await fetch(name)).blob()], name));
    input.files = data.files;
    input.dispatchEvent(new Event('change'));
    await wait(() => said() === name || /Error/.test(said()));
    if (said() !== name) return answer({error: said()});
    found[name] =
      JSON.parse(page().getElementById('values').dataset.predictions);
  }
  answer(found);
})();
</script>"""


def find():
  """The path of Chromium; skips the test where there is none."""
  names = ('chromium', 'chromium-browser', 'google-chrome')
  found = next(filter(None, map(shutil.which, names)), None)
  if found is None:
    pytest.skip('there is no Chromium')
  return found


def predict(folder, pictures, scratch, seconds=240):
  """What the page of a folder says of pictures, and which paths it asked for.

  Args:
    folder: Of the page; pictures are copied into it.
    pictures: Paths.
    scratch: An empty folder for the browser.
    seconds: After which it is too late.

  Returns:
    {name: {task: {output: value}}}, or {'error': ...}; and the paths.
  """
  for path in pictures:
    shutil.copy(path, folder)
  names = json.dumps([path.name for path in pictures])
  (folder / 'harness.html').write_text(HARNESS.replace('NAMES', names))
  asked, answers, answered = [], [], threading.Event()

  class Handler(server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments):
      super().__init__(*arguments, directory=str(folder))

    def do_POST(self):
      size = int(self.headers['Content-Length'])
      answers.append(json.loads(self.rfile.read(size)))
      self.send_response(204)
      self.end_headers()
      answered.set()

    def log_message(self, *arguments):
      asked.append(self.path)

  with server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as served:
    threading.Thread(target=served.serve_forever, daemon=True).start()
    url = f'http://127.0.0.1:{served.server_address[1]}/harness.html'
    browser = subprocess.Popen(
      [
        find(),
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        f'--user-data-dir={scratch}',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        url,
      ],
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
    )
    try:
      assert answered.wait(seconds), f'no answer; asked for {asked}'
    finally:
      browser.terminate()
      browser.wait()
      served.shutdown()
  return answers[0], asked
