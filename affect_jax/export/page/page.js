// Runs model.onnx on a picture or on the camera, in this browser alone.
'use strict';

const find = (id) => document.getElementById(id);

// The triangle filter of `affect_jax.media.resize`: for each new pixel, the
// first old one and weights from there on.
function weights(old, size) {
  const scale = old / size, width = Math.max(scale, 1);
  return Array.from({length: size}, (_, i) => {
    const centre = (i + 0.5) * scale, found = [];
    const first = Math.max(0, Math.ceil(centre - width - 0.5));
    const last = Math.min(old - 1, Math.floor(centre + width - 0.5));
    for (let k = first; k <= last; k++)
      found.push(Math.max(0, 1 - Math.abs(k + 0.5 - centre) / width));
    const sum = found.reduce((a, b) => a + b, 0);
    return {first, weights: found.map((x) => x / sum)};
  });
}

// RGBA of width * height -> Float32Array [size, size, 3] in [0, 1].
function toSquare(rgba, width, height, size) {
  const rows = weights(height, size), columns = weights(width, size);
  const thin = new Float32Array(size * width * 3);
  rows.forEach((row, y) => row.weights.forEach((w, k) => {
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        thin[(y * width + x) * 3 + c] +=
          w * rgba[((row.first + k) * width + x) * 4 + c] / 255;
  }));
  const out = new Float32Array(size * size * 3);
  columns.forEach((column, x) => column.weights.forEach((w, k) => {
    for (let y = 0; y < size; y++)
      for (let c = 0; c < 3; c++)
        out[(y * size + x) * 3 + c] +=
          w * thin[(y * width + column.first + k) * 3 + c];
  }));
  return out.map((x) => Math.min(1, Math.max(0, x)));
}

function mirrored(image, size) {
  const out = new Float32Array(image.length);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 3; c++)
        out[(y * size + x) * 3 + c] = image[(y * size + size - 1 - x) * 3 + c];
  return out;
}

// Draws a picture as the run's pictures were brought into shape.
function pixels(source, width, height, resize) {
  const side = resize === 'pad' ? Math.max(width, height) :
    Math.min(width, height);
  const [w, h] = resize === 'stretch' ? [width, height] : [side, side];
  const canvas = new OffscreenCanvas(w, h);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.fillRect(0, 0, w, h);
  const shift = (whole, part) => Math.floor((part - whole) / 2);
  context.drawImage(source, shift(width, w), shift(height, h));
  return {data: context.getImageData(0, 0, w, h).data, width: w, height: h};
}

async function predict(session, about, image) {
  const size = about.input.image_size, flips = about.input.views === 'flip';
  const views = flips ? [image, mirrored(image, size)] : [image];
  const sums = {};
  for (const [i, view] of views.entries()) {
    const input = new ort.Tensor('float32', view, [1, size, size, 3]);
    const outputs = await session.run({image: input});
    for (const [task, {outputs: names, mirror}] of
      Object.entries(about.tasks)) {
      sums[task] ??= {};
      names.forEach((name, k) => {
        const x = outputs[task].data[i ? mirror[k] : k];
        sums[task][name] = (sums[task][name] ?? 0) + x / views.length;
      });
    }
  }
  return sums;
}

function show(predictions, about, image) {
  const size = about.input.image_size, canvas = find('seen');
  [canvas.width, canvas.height] = [size, size];
  const shown = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) shown.data[4 * i + c] = 255 * image[3 * i + c];
    shown.data[4 * i + 3] = 255;
  }
  canvas.getContext('2d').putImageData(shown, 0, 0);
  const table = find('values');
  table.replaceChildren();
  for (const [task, values] of Object.entries(predictions)) {
    for (const [name, x] of Object.entries(values)) {
      const cut = task === 'action_units' ? about.cuts[name] : undefined;
      const there = cut === undefined ? '' : x > cut ? ' present' : ' absent';
      const row = table.insertRow();
      for (const text of [task, name, x.toFixed(3) + there])
        row.insertCell().textContent = text;
    }
  }
  // For whoever reads the page by a program.
  table.dataset.predictions = JSON.stringify(predictions);
}

async function start() {
  const about = await (await fetch('model.json')).json();
  ort.env.wasm.wasmPaths = new URL('./', location.href).href;
  ort.env.wasm.numThreads = 1;  // More need headers that simple servers lack.
  const session = await ort.InferenceSession.create('model.onnx');
  const run = async (source, width, height, resize) => {
    const {data, width: w, height: h} = pixels(source, width, height, resize);
    const image = toSquare(data, w, h, about.input.image_size);
    show(await predict(session, about, image), about, image);
  };
  find('file').onchange = guard(async () => {
    const [file] = find('file').files;
    if (!file) return;
    const bitmap = await createImageBitmap(file, {colorSpaceConversion: 'none'});
    await run(bitmap, bitmap.width, bitmap.height, about.input.resize);
    find('state').textContent = file.name;
  });
  find('camera').onclick = guard(async () => {
    const video = find('video');
    video.srcObject = await navigator.mediaDevices.getUserMedia({video: true});
    await video.play();
    find('camera').disabled = true;
    find('state').textContent = 'Camera';
    for (;;) {
      await run(video, video.videoWidth, video.videoHeight, 'crop');
      await new Promise((next) => setTimeout(next, 100));
    }
  });
  find('state').textContent = 'Ready.';
}

const guard = (act) => () => act().catch((error) => {
  find('state').textContent = location.protocol === 'file:' ?
    'Serve this folder: python -m http.server --bind 127.0.0.1' :
    `${error}`;
});
guard(start)();
