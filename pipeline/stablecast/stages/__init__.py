"""One module a stage: (frozen input, frozen Params) → frozen result. Nothing here touches a disk, a clock or a program."""
