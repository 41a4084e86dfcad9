// What a contact of a client sees: their one company. Who sees all of it finds the lists and the evidence here; everybody
// else what is kept of themselves.

import { NotFound } from '../../layout/not-found.tsx';
import { useViewer } from '../../session.tsx';
import type { PageProps } from '../register.ts';
import { OwnCompany } from './own-company.tsx';
import { OwnRecord } from './own-record.tsx';
import './portal.css';

export default function PortalPage({ parameters }: PageProps) {
  const viewer = useViewer();
  const company = viewer.contact?.company;
  // A company that is another's, and a part that is not shown to them, are not there.
  if (parameters.id !== undefined && parameters.id !== company?.id) return <NotFound />;
  if (viewer.role === 'MANAGER' && company) return <OwnCompany id={company.id} tab={parameters.tab} />;
  if (parameters.tab !== undefined) return <NotFound />;
  return <OwnRecord />;
}
