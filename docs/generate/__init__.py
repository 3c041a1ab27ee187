"""The reference of the site (`make docs`), made of the code: nothing in it is typed by hand."""
