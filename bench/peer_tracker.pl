#!/usr/bin/perl
# Runs Request Tracker 5, as Debian packages it, over a folder of mails.
#
# peer_tracker.pl FOLDER MAILS PORT: makes a site with an SQLite database in FOLDER, calls
# RT's own mail gateway in this process for each file in MAILS, hands its letters to an
# SMTP server on PORT over one connection, and prints a line of JSON.
# REQUEST_TRACKER_ROOT names a folder that the packages were only unpacked into; without
# it they are installed.
use strict;
use warnings;
use Net::SMTP ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes ();

our ($folder, $mails, $port) = @ARGV;
our ($relay, $sent) = (undef, 0);
my $root = $ENV{REQUEST_TRACKER_ROOT} // "";
my $database = "$folder/rt5.db";

BEGIN {
    my $root = $ENV{REQUEST_TRACKER_ROOT} // "";
    unshift @INC, "$root/usr/share/request-tracker5/lib";
}

open my $config, ">", "$folder/RT_SiteConfig.pm" or die $!;
print $config <<"END";
Set(\$rtname, 'bench');
Set(\$Organization, 'bench.example');
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$database');
Set(\$MailCommand, sub { main::deliver(\@_) });
Set(\$LogToSyslog, undef);
Set(\$LogToSTDERR, undef);
Set(\$ParseNewMessageForTicketCcs, 0);
1;
END
close $config;
mkdir "$folder/config.d";
$ENV{RT_SITE_CONFIG} = "$folder/RT_SiteConfig.pm";
$ENV{RT_SITE_CONFIG_DIR} = "$folder/config.d";

require RT;
{
    no warnings 'once';
    $_ = "$root$_" for $RT::BasePath, $RT::EtcPath, $RT::LexiconPath, $RT::StaticPath,
        $RT::FontPath, $RT::MasonComponentRoot;
    $RT::VarPath = $folder;
}
RT->LoadConfig();
RT->InitClasses();
require RT::Handle;

my $dbh = DBI->connect(RT::Handle->SystemDSN, "", "", { RaiseError => 1 });
my $etc = $RT::EtcPath;
check(RT::Handle->CreateDatabase($dbh));
check(RT::Handle->InsertSchema($dbh, $etc));
$dbh->disconnect;
RT::ConnectToDatabase();
RT::InitLogging();
check($RT::Handle->InsertInitialData());
RT::Init();
check($RT::Handle->InsertData("$etc/initialdata"));
RT::Init();

my $everyone = RT::Group->new(RT->SystemUser);
$everyone->LoadSystemInternalGroup('Everyone');
$everyone->PrincipalObj->GrantRight(Right => $_, Object => RT->System)
    for qw(CreateTicket ReplyToTicket SeeQueue);

require RT::Interface::Email;
opendir my $listing, $mails or die $!;
my @names = sort grep { !/^\./ } readdir $listing;
my ($failed, $begin, @cpu) = (0, Time::HiRes::time(), times);
for my $name (@names) {
    open my $file, "<:raw", "$mails/$name" or die $!;
    my $content = do { local $/; <$file> };
    my ($done) = eval {
        RT::Interface::Email::Gateway(
            { queue => 'General', action => 'correspond', message => $content });
    };
    $failed++ unless $done && $done > 0;
}
my $seconds = Time::HiRes::time() - $begin;
my @now = times;
my $tickets = RT::Tickets->new(RT->SystemUser);
$tickets->FromSQL("id > 0");
printf "{\"seconds\": %.3f, \"cpu\": %.3f, \"tickets\": %d, \"failed\": %d, "
    . "\"letters\": %d}\n",
    $seconds, $now[0] + $now[1] - $cpu[0] - $cpu[1], $tickets->CountAll, $failed, $sent;

sub deliver {
    my ($letter) = @_;
    unless ($relay) {
        $relay = Net::SMTP->new("127.0.0.1", Port => $port) or die "no relay\n";
        # A letter is written in pieces, and each would wait for the one before.
        setsockopt $relay, IPPROTO_TCP, TCP_NODELAY, 1;
    }
    my @to = map { $_->address } Email::Address->parse($letter->head->get("To"));
    $relay->mail("") && $relay->to(@to) && $relay->data($letter->as_string)
        or die "the relay refused a letter\n";
    return ++$sent;
}

sub check {
    my ($status, $message) = @_;
    die "Request Tracker: $message\n" unless $status;
}
