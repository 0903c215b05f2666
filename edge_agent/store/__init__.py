"""What must survive a power cut: the only home of diskcache."""
