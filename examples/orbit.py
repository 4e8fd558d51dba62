"""A planet on its way around a star, drawn as a line every half second. Run it with ``relive run`` and edit it.

Things to try while it runs: another STAR, a GRAVITY of 80, a ``force`` that falls off with the cube of the distance, a
``draw`` that also shows the speed, a mistake. The planet stays where it is.
"""

import math
import time
from dataclasses import dataclass

GRAVITY = 60.0
STAR = "*"
WIDTH = 60


@dataclass
class Planet:
    """Where the planet is, with the star in the middle of everything, and how fast it moves."""

    x: float = 20.0
    y: float = 0.0
    speed_x: float = 0.0
    speed_y: float = 1.6

    def distance(self) -> float:
        """Return how far the star is."""
        return math.hypot(self.x, self.y)

    def move(self, seconds: float) -> None:
        """Follow the star's pull for some time."""
        pull = force(self.distance())
        self.speed_x -= pull * self.x / self.distance() * seconds
        self.speed_y -= pull * self.y / self.distance() * seconds
        self.x += self.speed_x * seconds
        self.y += self.speed_y * seconds


def force(distance: float) -> float:
    """Return the star's pull."""
    return GRAVITY / distance**2


def draw(planet: Planet) -> str:
    """Return the line that shows the planet and its star, seen from the side."""
    line = [" "] * (WIDTH + 1)
    line[WIDTH // 2] = STAR
    line[min(max(WIDTH // 2 + round(planet.x), 0), WIDTH)] = "o"
    return "".join(line) + f" {planet.distance():5.1f} away"


def main() -> None:
    """Go round and round."""
    planet = Planet()
    while True:
        for _ in range(50):
            planet.move(0.02)
        print(draw(planet), flush=True)
        time.sleep(0.5)


if __name__ == "__main__":
    main()
