/** For tests: a module whose import never ends. */
for (;;);
