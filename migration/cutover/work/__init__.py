"""What a wave's jobs do: gather the facts of the gate and conduct the conversions. Asks for jobs and waits; touches no edge."""
