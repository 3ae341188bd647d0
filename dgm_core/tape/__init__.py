"""Records the tensor operations of a step once, and replays them without the program that made them.

At the sizes of these networks Python and the autograd engine take most of a step's time.  What a step
does is the same every time, on tensors of the same sizes: it is recorded as it runs, and run again from
the record, on the very tensors that it first made, as CUDA graphs do for a GPU.  The numbers are the same.
"""

from dgm_core.tape.recorder import Watching, run
from dgm_core.tape.recording import Tape, record
from dgm_core.tape.repeated import Repeated

__all__ = ["Repeated", "Tape", "Watching", "record", "run"]
