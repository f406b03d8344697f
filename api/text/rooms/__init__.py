"""The phrases of the rooms around the inbox, a mapping a module; `api.text.phrases` reads them."""
