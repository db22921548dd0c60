// Shows times in the browser's zone, and new messages as they arrive.

const pause = 2000;

function localise(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const options = at.toDateString() === today ? { timeStyle: "short" } : { dateStyle: "medium" };
    time.textContent = at.toLocaleString([], time.closest("nav") ? options : { dateStyle: "medium", timeStyle: "medium" });
  }
}

async function refresh() {
  const answer = await fetch(location.pathname);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = page.querySelector("nav").innerHTML;
  if (shown !== list) {
    localise(page);
    document.querySelector("header").replaceWith(page.querySelector("header"));
    document.querySelector("nav").replaceWith(page.querySelector("nav"));
    if (location.pathname === "/dev/mail") {
      document.querySelector("main").replaceWith(page.querySelector("main"));
      document.body.className = page.body.className;
    }
  }
  shown = list;
}

let shown = document.querySelector("nav").innerHTML; // as it was sent
localise(document);
setInterval(() => {
  // The gateway may be restarting: the next attempt will tell.
  if (document.visibilityState === "visible") refresh().catch(() => {});
}, pause);
