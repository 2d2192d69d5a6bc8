"""Texts that give orders to a language model, the places an author can put them, and what may come of it: nothing."""
