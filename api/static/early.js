// Before the page is drawn: the styles of the panes apply only where scripts run.
"use strict";
document.documentElement.classList.add("scripted");
