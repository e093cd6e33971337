"""What people meet in a browser, and the module that its pages load, in a real Chromium."""
