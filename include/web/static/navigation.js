// Airflow's navigation opens this in its own page; it goes on to ours.
//
// A page in Airflow's frame could not go on to Sentry, and an entry that is a plain link does
// nothing when it is clicked (Airflow 3.3.2 makes a button of it).
const { createElement, useEffect } = globalThis.React;

const Integrations = () => {
  const address = new URL("integrations/", document.baseURI).href;
  useEffect(() => globalThis.location.replace(address), [address]);
  return createElement("p", null, createElement("a", { href: address }, "Integrations"));
};

globalThis.Integrations = Integrations;
globalThis.AirflowPlugin = Integrations;
