"""Renders an instance's profile as slapos.recipe.template:jinja2 does. Standard input: {"template", "context"}.

Standard output: the sections of the profile, as zc.buildout reads them. "dumps" marks a value as zc.buildout's fork does.
"""

import json
import os
import sys
from io import StringIO

import jinja2
from zc.buildout import configparser

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def main():
    request = json.load(sys.stdin)
    environment = jinja2.Environment(extensions=['jinja2.ext.do'], undefined=jinja2.StrictUndefined)
    with open(os.path.join(CHECKOUT, request['template'])) as content:
        template = environment.from_string(content.read())
    text = template.render(dumps=lambda value: '!py!' + repr(value), range=range, **request['context'])
    json.dump(configparser.parse(StringIO(text), request['template']), sys.stdout)


if __name__ == '__main__':
    main()
