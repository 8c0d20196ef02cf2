import type { IconName } from '$lib/components/icons';

export interface NavigationLink {
  title: string;
  href: string;
}

export interface Section {
  title: string;
  icon: IconName;
  links: NavigationLink[];
}

/** The four stages of the loop, and the signals beneath them. */
export const SECTIONS: Section[] = [
  {
    title: 'Organize',
    icon: 'organize',
    links: [
      { title: 'Catalogue', href: '/organize' },
      { title: 'Service map', href: '/organize/map' }
    ]
  },
  {
    title: 'Prepare',
    icon: 'prepare',
    links: [
      { title: 'Runbooks', href: '/prepare/runbooks' },
      { title: 'Scenarios', href: '/prepare/scenarios' },
      { title: 'Deployments', href: '/prepare/deployments' },
      { title: 'Configuration', href: '/prepare/configuration' },
      { title: 'Parameters', href: '/prepare/parameters' },
      { title: 'Runs', href: '/prepare/runs' }
    ]
  },
  {
    title: 'Operate',
    icon: 'operate',
    links: [
      { title: 'Incidents', href: '/operate/incidents' },
      { title: 'Alarms', href: '/operate/alarms' },
      { title: 'Canaries', href: '/operate/canaries' },
      { title: 'Event rules', href: '/operate/rules' },
      { title: 'Notifications', href: '/operate/notifications' },
      { title: 'Events', href: '/operate/events' }
    ]
  },
  {
    title: 'Evolve',
    icon: 'evolve',
    links: [
      { title: 'Post-mortems', href: '/evolve/postmortems' },
      { title: 'Actions', href: '/evolve/actions' },
      { title: 'Experiments', href: '/evolve/experiments' },
      { title: 'Scale points', href: '/evolve/scale-points' },
      { title: 'Game days', href: '/evolve/game-days' }
    ]
  },
  {
    title: 'Explore',
    icon: 'explore',
    links: [
      { title: 'Metrics', href: '/explore/metrics' },
      { title: 'Logs', href: '/explore/logs' },
      { title: 'Traces', href: '/explore/traces' },
      { title: 'SQL', href: '/explore/sql' }
    ]
  }
];

/** The link that stands for a path: the longest one that the path begins with. */
export function currentLink(path: string): string | undefined {
  const all = ['/', '/status', ...SECTIONS.flatMap(({ links }) => links.map(({ href }) => href))];
  return all
    .filter((href) => path === href || (href !== '/' && path.startsWith(`${href}/`)))
    .sort((a, b) => b.length - a.length)[0];
}
