// Keeps the cards up to date; the page works without it.
//
// It asks for the cards again and again, and replaces only the parts (`data-live`) that changed, so
// that the keyboard's focus, opened details and what was typed stay. What changed is announced to
// screen readers by the headline alone.
"use strict";

(() => {
  const list = document.getElementById("connections");
  const announcer = document.getElementById("announcer");
  const offline = document.getElementById("offline");
  const LONGEST_S = 60;
  let failures = 0;

  const every = () => Number(list.firstElementChild?.dataset.every) || LONGEST_S;

  const headlines = (within) =>
    new Map(
      [...within.querySelectorAll("article.card")].map((card) => [
        card.id,
        `${card.querySelector("h3").textContent}: ${card.querySelector(".headline").textContent}`,
      ]),
    );

  // An element is replaced as a whole, and whatever had the focus in it gets it back.
  const replace = (old, fresh) => {
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };

  const isBeingChanged = (part) =>
    part.querySelector("select") !== null &&
    [...part.querySelectorAll("option")].some((one) => one.selected !== one.defaultSelected);

  const update = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
    const before = headlines(list);
    const after = headlines(fresh);
    const outline = (within) =>
      [...within.querySelectorAll("article.card, .folds > details, [data-live]")]
        .map((one) => one.id)
        .join();
    if (outline(list) === outline(fresh)) {
      for (const part of fresh.querySelectorAll("[data-live]")) {
        const old = document.getElementById(part.id);
        if (old.outerHTML !== part.outerHTML && !isBeingChanged(old)) replace(old, part);
      }
      list.firstElementChild.dataset.every = fresh.dataset.every;
    } else {
      const open = [...list.querySelectorAll("details[open]")].map((one) => one.id);
      for (const id of open) fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
      replace(list.firstElementChild, fresh);
    }
    const news = [...after].filter(([id, headline]) => before.get(id) !== headline);
    if (news.length) announcer.textContent = news.map(([, headline]) => headline).join(". ");
  };

  const say = (text) => {
    offline.textContent = text;
    offline.hidden = !text;
  };

  const look = async () => {
    if (document.hidden) return next();
    try {
      const answer = await fetch(list.dataset.status, { redirect: "error" });
      if (answer.status === 401) {
        say("You were signed out of Airflow. Reload this page to sign in again.");
        return undefined;
      }
      if (!answer.ok) throw new Error(answer.statusText);
      update(await answer.text());
      failures = 0;
      say("");
    } catch {
      failures += 1;
      if (failures > 1) say("Airflow does not answer. What is shown may be out of date.");
    }
    return next();
  };

  const next = () => setTimeout(look, 1000 * Math.min(LONGEST_S, every() * 2 ** failures));

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && every() < LONGEST_S) failures = 0;
  });
  next();
})();
