// How many messages each inbox holds, beside its name and in the title of the window.

import * as api from "./api.js";

/** The numbers: asked for now and then, counted on in between. */
export class Counts {
  #services;
  #counted = {};

  constructor(services) {
    this.#services = services;
  }

  /** Ask the sandbox, and show what it says. */
  async load() {
    try {
      const answers = await Promise.all(this.#services.map((service) => api.list({ service, limit: 1 })));
      this.#services.forEach((service, index) => { this.#counted[service] = answers[index].total; });
      this.show();
    } catch {
      // The list says that the sandbox does not answer.
    }
  }

  /** Count one more; `show` shows it. */
  add(service) {
    this.#counted[service] = (this.#counted[service] ?? 0) + 1;
  }

  show() {
    const all = this.#services.reduce((sum, service) => sum + (this.#counted[service] ?? 0), 0);
    for (const place of document.querySelectorAll("[data-count]")) {
      place.textContent = String(place.dataset.count ? (this.#counted[place.dataset.count] ?? 0) : all);
    }
    document.title = `${all > 0 ? `(${all}) ` : ""}Dispatcher sandbox`;
  }
}
