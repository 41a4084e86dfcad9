drop table alarm_look;
