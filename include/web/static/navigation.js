// Airflow's navigation opens these in its own page; they go on to ours.
//
// A page in Airflow's frame could not go on to Sentry, and an entry that is a plain link does
// nothing when it is clicked (Airflow 3.3.2 makes a button of it).
const { createElement, useEffect } = globalThis.React;

const goesOnTo = (path, name) => () => {
  const address = new URL(path, document.baseURI).href;
  useEffect(() => globalThis.location.replace(address), [address]);
  return createElement("p", null, createElement("a", { href: address }, name));
};

// Airflow takes each by the name of its entry.
globalThis.Integrations = goesOnTo("integrations/", "Integrations");
globalThis["Sentry reports"] = goesOnTo("integrations/sentry/reports", "Sentry reports");
