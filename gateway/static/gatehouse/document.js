// Brings the cited passage into view when the address does not name it.
(() => {
  "use strict";
  const passage = document.getElementById("passage");
  if (passage && !location.hash) passage.scrollIntoView({ block: "center", behavior: "auto" });
})();
