"""Renders instances' profiles as slapos.recipe.template:jinja2 does. A line of input is {"template", "context"}.

A line of output is {"profile"}, its sections as zc.buildout reads them, or {"problem"}. "dumps" marks a value as
zc.buildout's fork does.
"""

import json
import os
import sys
from io import StringIO

import jinja2
from zc.buildout import configparser

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def main():
    for line in sys.stdin:
        try:
            answer = {'profile': render(**json.loads(line))}
        except jinja2.TemplateError as error:
            answer = {'problem': '%s: %s' % (type(error).__name__, error)}
        print(json.dumps(answer), flush=True)


def render(template, context):
    environment = jinja2.Environment(extensions=['jinja2.ext.do'], undefined=jinja2.StrictUndefined)
    with open(os.path.join(CHECKOUT, template)) as content:
        parsed = environment.from_string(content.read())
    text = parsed.render(dumps=lambda value: '!py!' + repr(value), range=range, **context)
    return configparser.parse(StringIO(text), template)


if __name__ == '__main__':
    main()
