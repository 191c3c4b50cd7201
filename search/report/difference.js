"use strict";
/* |preset - unpatched| times a factor, over each preset's images, from the pixels in this page. */
(() => {
  const source = document.getElementById("unpatched");
  const switches = [...document.querySelectorAll(".difference input")];
  if (!source || !switches.length) return;
  const plain = new Image();
  plain.src = source.getAttribute("href");
  let factor = 0;

  function pixels(image, width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0, width, height);
    return [canvas, context, context.getImageData(0, 0, width, height)];
  }

  async function amplify(shot) {
    const image = shot.querySelector("img");
    await Promise.all([image.decode(), plain.decode()]);
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    const [, , before] = pixels(plain, width, height);
    const [canvas, context, after] = pixels(image, width, height);
    after.data.forEach((value, index) => {
      if (index % 4 < 3) after.data[index] = factor * Math.abs(value - before.data[index]);
    });
    context.putImageData(after, 0, 0);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `difference to the unpatched images, times ${factor}`);
    shot.querySelectorAll("canvas").forEach((old) => old.remove());
    shot.append(canvas);
  }

  function apply() {
    document.body.classList.toggle("differing", factor > 0);
    for (const input of switches) input.checked = Number(input.value) === factor;
    for (const shot of document.querySelectorAll(".shot.preset")) {
      if (factor) amplify(shot);
      else shot.querySelectorAll("canvas").forEach((old) => old.remove());
    }
  }

  for (const input of switches) {
    input.addEventListener("change", () => { factor = Number(input.value); apply(); });
  }
  document.addEventListener("images", apply);
  apply();
})();
