"""Small files made for the tests: good ones, damaged ones and hostile ones."""
