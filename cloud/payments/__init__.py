"""The rails that money comes in by, their webhooks, and the road that callbacks take into the inbox."""
