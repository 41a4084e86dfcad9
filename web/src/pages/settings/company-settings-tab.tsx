// The settings of one company.

import { Consent } from './consent.tsx';
import { DeleteCompany } from './delete-company.tsx';
import { Disconnect } from './disconnect.tsx';
import { PortalAccess } from './portal-access.tsx';
import { Schedule } from './schedule.tsx';
import { SyncRules } from './sync-rules.tsx';
import './settings.css';

export default function CompanySettingsTab() {
  return (
    <div className="settings">
      <SyncRules />
      <PortalAccess />
      <Schedule />
      <Consent />
      <Disconnect />
      <DeleteCompany />
    </div>
  );
}
