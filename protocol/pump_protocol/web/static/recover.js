// A page of which a part could not be loaded, as its server went away meanwhile, is loaded anew when
// the server is back. A plain script: it must be there before what it watches.

(() => {
  let waits = false;
  const again = () =>
    fetch(location.href, { method: "HEAD", cache: "no-store" }).then(
      () => location.reload(),
      () => setTimeout(again, 2000),
    );
  addEventListener(
    "error",
    ({ target }) => {
      if (waits || !(target instanceof HTMLScriptElement || target instanceof HTMLLinkElement))
        return;
      waits = true;
      setTimeout(again, 1000);
    },
    true,
  );
})();
