"""The NPU in integers: quantise a network as its compiler would, run it bit by bit, compare it with the float one."""
