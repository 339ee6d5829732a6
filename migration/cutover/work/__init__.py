"""What a wave's jobs do: gather the gate's facts and conduct the conversions. Touches no edge itself: it asks for jobs and waits."""
