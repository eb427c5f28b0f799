import { type Callback } from '../callback';

/** Names of robots as they call themselves, compared without case, in the order in which they are looked for. */
const ROBOTS = [
  'antibot', 'appie', 'architext', 'bingbot', 'bjaaland', 'digout4u', 'echo', 'fast-webcrawler', 'ferret',
  'googlebot', 'gulliver', 'harvest', 'htdig', 'ia_archiver', 'askjeeves', 'jennybot', 'linkwalker', 'lycos',
  'mercator', 'moget', 'muscatferret', 'myweb', 'netcraft', 'nomad', 'petersnews', 'scooter', 'slurp',
  'unlost_web_crawler', 'voila', 'voyager', 'webbase', 'weblayers', 'wisenutbot', 'aport', 'awbot', 'baiduspider',
  'bobby', 'boris', 'bumblebee', 'cscrawler', 'daviesbot', 'exactseek', 'ezresult', 'gigabot', 'gnodspider',
  'grub', 'henrythemiragorobot', 'holmes', 'internetseer', 'justview', 'linkbot', 'metager-linkchecker',
  'linkchecker', 'microsoft_url_control', 'msiecrawler', 'nagios', 'perman', 'pompos', 'rambler', 'redalert',
  'shoutcast', 'slysearch', 'surveybot', 'turnitinbot', 'turtlescanner', 'turtle', 'ultraseek', 'webclipping.com',
  'webcompass', 'yahoo-verticalcrawler', 'yandex', 'zealbot', 'zyborg',
] as const;

const ROBOT = new RegExp(ROBOTS.join('|'), 'i');

export const findBot: Callback = (value, log) => {
  const match = ROBOT.exec(value);
  if (match !== null) log.set('search_engine_bot', match[0].toLowerCase());
};

/** Python's order of the three is that of its dictionary. */
const SYSTEMS = [['Windows', 'Windows'], ['Linux', 'Linux'], ['Mac OS', 'Mac/Apple']] as const;

export const guessSystem: Callback = (value, log) => {
  log.set('source_os', SYSTEMS.find(([word]) => value.includes(word))?.[1] ?? 'unknown');
};
