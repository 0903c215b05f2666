"""The API on the network: connections, sentences in order, the clerk at the door, listeners that follow their menu."""
