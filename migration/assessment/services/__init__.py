"""What may change about an assessment: assess an inventory, aim at a target, record what people attest."""
