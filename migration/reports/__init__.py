"""What is handed out: exports, passports, the assessment, and the pack that compliance signs.

The pack is one document (`document.py`): values without a layout, built by `sections/` from `Material`, one small module a
section, and drawn from there. A new section touches nothing but its own module and the list in `sections/__init__.py`.
"""
