// What is kept of the person who looks: who they are, their devices, their groups.

import {
  OwnDevicesDocument,
  type OwnDevicesQuery,
  OwnGroupsDocument,
  type OwnGroupsQuery,
  OwnRecordDocument,
  type OwnRecordQuery,
} from '../../gql/graphql.ts';
import { Grown } from '../../parts/grown.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Answer, Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAsked } from '../../parts/use-asked.ts';
import { words } from '../../texts/portal.ts';
import { texts } from '../../texts.ts';
import { useTitle } from '../../title.ts';
import { CompliancePill } from '../company/records/state-pill.tsx';

type Person = NonNullable<OwnRecordQuery['viewer']['contact']>;
type Device = Person['assets']['edges'][number]['node'];
type Group = Person['groups']['edges'][number]['node'];

const devicesOf = ({ viewer }: OwnDevicesQuery) => viewer.contact?.assets;
const groupsOf = ({ viewer }: OwnGroupsQuery) => viewer.contact?.groups;

export function OwnRecord() {
  const asked = useAsked(OwnRecordDocument, {});
  useTitle([words.record]);
  return (
    <Answer asked={asked} waiting={<Waiting />}>
      {({ viewer }) =>
        viewer.contact ? (
          <Kept person={viewer.contact} />
        ) : (
          <Empty title={words.nobody} heading="h1">
            {words.nobodyText}
          </Empty>
        )
      }
    </Answer>
  );
}

function Waiting() {
  return (
    <div className="portal" aria-busy="true">
      <Skeleton className="skeleton-title" />
      <Skeleton className="skeleton-card" />
      <Skeleton className="skeleton-card" />
    </div>
  );
}

function Kept({ person }: { person: Person }) {
  return (
    <div className="portal">
      <header className="portal-head">
        <p className="quiet">{person.company.name}</p>
        <h1>{words.hello(person.displayName ?? person.userPrincipalName ?? '')}</h1>
        <p className="quiet">{words.yours}</p>
      </header>
      <About person={person} />
      <Devices person={person} />
      <Groups person={person} />
      <p className="quiet small">{words.wrong}</p>
    </div>
  );
}

function About({ person }: { person: Person }) {
  const { fields } = texts;
  const facts: [string, string | null][] = [
    [fields.mail, person.mail],
    [fields.userPrincipalName, person.userPrincipalName],
    [fields.jobTitle, person.jobTitle],
    [fields.department, person.department],
    [fields.phone, person.businessPhones.join(', ')],
    [fields.mobilePhone, person.mobilePhone],
  ];
  return (
    <section className="card portal-part" aria-labelledby="about-you">
      <h2 id="about-you">{words.record}</h2>
      <dl className="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value || texts.common.nothing}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Devices({ person }: { person: Person }) {
  return (
    <section className="card portal-part" aria-labelledby="your-devices">
      <h2 id="your-devices">{words.devices}</h2>
      {person.assets.totalCount === 0 ? (
        <Empty title={words.noDevices}>{words.noDevicesText}</Empty>
      ) : (
        <ul className="portal-devices">
          <Grown first={person.assets} query={OwnDevicesDocument} variables={{}} of={devicesOf} row={deviceRow} />
        </ul>
      )}
    </section>
  );
}

function deviceRow(device: Device) {
  const system = [device.operatingSystem, device.osVersion].filter(Boolean).join(' ');
  const made = [device.manufacturer, device.model].filter(Boolean).join(' ');
  return (
    <li key={device.id}>
      <div className="portal-device">
        <strong>{device.hostname ?? texts.record.nameless}</strong>
        <CompliancePill state={device.complianceState} />
      </div>
      <p className="quiet">{[made, system].filter(Boolean).join(' · ')}</p>
      <p className="quiet small">
        {device.serialNumber && `${words.serial} ${device.serialNumber} · `}
        {device.isEncrypted !== null && `${device.isEncrypted ? words.encrypted : words.notEncrypted} · `}
        {device.lastCheckInAt && (
          <>
            {words.checkedIn} <Time at={device.lastCheckInAt} as="relative" />
          </>
        )}
      </p>
    </li>
  );
}

function Groups({ person }: { person: Person }) {
  return (
    <section className="card portal-part" aria-labelledby="your-groups">
      <h2 id="your-groups">{words.groups}</h2>
      {person.groups.totalCount === 0 ? (
        <p className="quiet">{words.noGroups}</p>
      ) : (
        <ul className="portal-groups">
          <Grown first={person.groups} query={OwnGroupsDocument} variables={{}} of={groupsOf} row={groupRow} />
        </ul>
      )}
    </section>
  );
}

function groupRow(group: Group) {
  return (
    <li key={group.id} className="pill">
      {group.displayName ?? texts.record.nameless}
    </li>
  );
}
