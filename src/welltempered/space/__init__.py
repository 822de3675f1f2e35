"""Search spaces: parameters with scales, conditions between them and constraints on them."""

from welltempered.expression import Expression
from welltempered.space.choice import Choice
from welltempered.space.parameters import Float, Int, Parameter
from welltempered.space.space import Params, Space

__all__ = ["Choice", "Expression", "Float", "Int", "Parameter", "Params", "Space"]
