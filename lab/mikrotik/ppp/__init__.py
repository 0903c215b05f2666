"""PPPoE: who is let in, sessions and their dynamic rows, modems, address pools."""
