/* What is shown, as Python that prints the same number. */

/** A Python string literal. */
const quoted = (text) => JSON.stringify(String(text)).replace(/[\u007f-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

function pythonOf(meta, asked, answer) {
  const { clip, edit, finder, layer, to, dose, angle } = asked;
  const given = [`clip=${clip}`, `edit=${quoted(edit)}`, `finder=${quoted(finder)}`, `layer=${layer}`, `to=${quoted(meta.classes[to])}`,
    `dose=${dose}`, ...(angle === null ? [] : [`angle=${angle}`])].join(", ");
  return `import jepascope as js

with js.load_run(${quoted(meta.run)}).explore() as edit:
    read = edit(${given})
print(f"moved {read['moved']:.3f} of {read['whole']:.3f}")  # here: moved ${answer.moved.toFixed(3)} of ${answer.whole.toFixed(3)}
`;
}

class Python {
  constructor() {
    this.text = find("snippet");
    find("copy").addEventListener("click", () => this.copy());
  }

  draw(meta, asked, answer) {
    this.text.textContent = pythonOf(meta, asked, answer);
    find("copied").textContent = "";
  }

  async copy() {
    const range = document.createRange();
    range.selectNodeContents(this.text);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    try {
      await navigator.clipboard.writeText(this.text.textContent);
      find("copied").textContent = "Copied.";
    } catch {
      find("copied").textContent = "Selected: copy it with the keyboard.";
    }
  }
}
