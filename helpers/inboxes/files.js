// Files of a message: the sandbox gives them as downloads.

import { address } from "./api.js";
import { element, glyph, size } from "./dom.js";

/** An attachment as a download with its size. */
export function fileLink(message, file) {
  return element(
    "a",
    { class: "file", href: address(message.id, `/files/${file.n}`), download: file.filename ?? "", title: file.content_type },
    glyph("file"),
    element("span", { class: "file-name" }, file.filename || "unnamed"),
    element("span", { class: "quiet" }, size(file.size)),
  );
}
